// The texts in the events that `query` asks about. Of each kind the first is the most frequent.

import { hash } from "./chance.ts";

interface Source {
  /** Empty when nobody knows where the visitor came from. */
  readonly name: string;
  readonly referrer: string;
  readonly channel: string;
}

export const SITES = 50;
const PAGES_PER_SITE = 2000;
export const COUNTRIES = 60;
export const REGIONS_PER_COUNTRY = 8;

export const HOST_PREFIXES = ["www.", "", "blog."] as const;
export const BROWSERS = [
  ...(["Chrome", "Safari", "Edge", "Firefox", "Samsung Internet"] as const),
  ...(["Opera", "Chrome Mobile", "Brave", "Vivaldi", "UC Browser"] as const),
] as const;
export const OSES = ["Windows", "Android", "iOS", "macOS", "Linux", "Chrome OS"] as const;
export const DEVICES = ["desktop", "mobile", "tablet"] as const;
export const SCREEN_WIDTHS = [1920, 390, 1440, 412, 1366, 820] as const;
export const LANGUAGES = ["en-US", "en-GB", "de", "fr", "es", "pt-BR", "it", "nl", "pl", "ja"] as const;
export const CAMPAIGNS = ["spring-sale", "newsletter-42", "launch", "retargeting", "webinar"] as const;
export const UTM_SOURCES = ["google", "newsletter", "facebook", "partner"] as const;
export const UTM_MEDIUMS = ["cpc", "email", "social"] as const;
export const TERMS = ["web analytics", "event log", "page views"] as const;
export const CONTENTS = ["header", "footer", "sidebar"] as const;
export const PLANS = ["free", "pro", "team"] as const;
export const AUTHORS = ["ada", "grace", "linus", "margaret"] as const;
export const EVENT_TYPES = ["page_view", "click", "signup", "purchase"] as const;

export const SOURCES: readonly [Source, ...Source[]] = [
  { name: "", referrer: "", channel: "Direct" },
  { name: "Google", referrer: "google.com/", channel: "Organic Search" },
  { name: "Facebook", referrer: "facebook.com/", channel: "Organic Social" },
  { name: "Bing", referrer: "bing.com/search", channel: "Organic Search" },
  { name: "YouTube", referrer: "youtube.com/watch", channel: "Organic Video" },
  { name: "Gmail", referrer: "mail.google.com/", channel: "Email" },
  { name: "ChatGPT", referrer: "chatgpt.com/", channel: "AI Assistants" },
  ...Array.from({ length: 23 }, (_, index) => {
    const host = `friend-${index}.example`;
    return { name: host, referrer: `${host}/links`, channel: "Referral" };
  }),
];

interface Page {
  readonly path: string;
  readonly title: string;
}

/** Of each site. */
export const PAGES: readonly [Page, ...Page[]] = [
  { path: "/", title: "Welcome" },
  ...Array.from({ length: PAGES_PER_SITE - 1 }, (_, index) => {
    const name = hash(index, 100).toString(36);
    return { path: `/articles/${name}`, title: `About ${name}` };
  }),
];

export function siteId(site: number): string {
  return `site-${site}.example`;
}

/** ISO 3166-1 alpha-2 in form; not each of them exists. */
export function countryText(country: number): string {
  return String.fromCharCode(65 + (country % 26), 65 + ((country * 7 + Math.floor(country / 26)) % 26));
}

export function regionText(country: number, region: number): string {
  return `${countryText(country)}-${region + 1}`;
}
