// What the query of a page's URL tells of how the visitor came: the UTM parameters, and the ids that advertising
// networks and social networks append to a link when it is clicked.

import { headOf, withoutControls } from "./text.ts";

/** In bytes of UTF-8; what follows is cut off. */
const MAX_PARAMETER_BYTES = 256;

/** The parameters, decoded. Empty where the URL has none. */
export interface Campaign {
  readonly utmSource: string;
  readonly utmMedium: string;
  readonly utmCampaign: string;
  readonly utmTerm: string;
  readonly utmContent: string;
  readonly click: Click | undefined;
}

/** Where an id of a click says that the visitor comes from, and the medium; that is empty when nobody paid for it. */
interface Click {
  readonly source: string;
  readonly medium: string;
}

const CLICK_IDS: ReadonlyMap<string, Click> = new Map([
  ["gclid", { source: "Google", medium: "cpc" }],
  ["gbraid", { source: "Google", medium: "cpc" }],
  ["wbraid", { source: "Google", medium: "cpc" }],
  ["dclid", { source: "Google", medium: "display" }],
  ["msclkid", { source: "Bing", medium: "cpc" }],
  ["yclid", { source: "Yandex", medium: "cpc" }],
  ["ttclid", { source: "TikTok", medium: "cpc" }],
  ["twclid", { source: "X", medium: "cpc" }],
  ["li_fat_id", { source: "LinkedIn", medium: "cpc" }],
  ["rdt_cid", { source: "Reddit", medium: "cpc" }],
  ["ScCid", { source: "Snapchat", medium: "cpc" }],
  // These two are appended to every link.
  ["fbclid", { source: "Facebook", medium: "" }],
  ["igsh", { source: "Instagram", medium: "" }],
]);

const NO_CAMPAIGN: Campaign = {
  ...{ utmSource: "", utmMedium: "", utmCampaign: "", utmTerm: "", utmContent: "" },
  click: undefined,
};

/** What `search`, the query of a URL with its question mark or nothing, tells. */
export function campaignOf(search: string): Campaign {
  if (search === "") return NO_CAMPAIGN;
  const query = new URLSearchParams(search);
  return {
    utmSource: parameter(query, "utm_source") || parameter(query, "source") || parameter(query, "ref"),
    utmMedium: parameter(query, "utm_medium"),
    utmCampaign: parameter(query, "utm_campaign"),
    utmTerm: parameter(query, "utm_term"),
    utmContent: parameter(query, "utm_content"),
    click: clickOf(query),
  };
}

function parameter(query: URLSearchParams, name: string): string {
  return headOf(withoutControls(query.get(name) ?? ""), MAX_PARAMETER_BYTES);
}

/** The first id in the order of the table: those of advertising go before the others. */
function clickOf(query: URLSearchParams): Click | undefined {
  for (const [name, click] of CLICK_IDS) if (query.get(name)) return click;
  return undefined;
}
