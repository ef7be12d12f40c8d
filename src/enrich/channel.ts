// The way by which a visitor came. The rules are those of Google Analytics' default channel group
// (https://support.google.com/analytics/answer/9756891), in its order: the first that applies decides. "Paid" is a
// medium that contains "cp", begins with "paid", or is "ppc" or "retargeting"; capitals do not matter.
//
//   Direct                     no source, or "direct", and no medium
//   Paid Shopping              paid, and the source is a shop or the campaign is named after shopping
//   Paid Search                paid, and the source is a search engine
//   Paid Social                paid, and the source is a social network
//   Paid Video                 paid, and the source is a video site
//   Display                    the medium is display, banner, expandable, interstitial or cpm
//   Paid Other                 paid
//   AI Assistants              the source is one, or the medium is ai-assistant
//   Organic Shopping           the source is a shop, or the campaign is named after shopping
//   Organic Social             the source is a social network, or the medium is social or like it
//   Organic Video              the source is a video site, or the medium contains video
//   Organic Search             the source is a search engine, or the medium is organic
//   Email                      source or medium is email, or the source is a mail service
//   Affiliates                 the medium is affiliate
//   Audio                      the medium is audio
//   SMS                        source or medium is sms
//   Mobile Push Notifications  the medium ends with push or contains mobile or notification, or the source is firebase
//   Referral                   all others
//
// That differs in few things: mail services are Email, as links in a webmail have no medium; and as there is no
// "Unassigned" here, Referral comes last and has what no rule knows.

import { type SourceCategory, sourceNamed } from "./sources.ts";

/** Where a visitor came from, as Google Analytics has it; empty where nothing is known. */
export interface Traffic {
  readonly source: string;
  readonly medium: string;
  readonly campaign: string;
}

interface Known extends Traffic {
  readonly category: SourceCategory | undefined;
  readonly isPaid: boolean;
  /** Whether the campaign is named after shopping. */
  readonly isShopping: boolean;
}

const NO_SOURCE = /^(?:\(?direct\)?)?$/;
const NO_MEDIUM = /^(?:\(not set\)|\(none\)|none)?$/;
const PAID_MEDIUM = /cp|^ppc$|^retargeting$|^paid/;
const DISPLAY_MEDIUM = /^(?:display|banner|expandable|interstitial|cpm)$/;
const SOCIAL_MEDIUM = /^(?:social(?:[- ](?:network|media))?|sm)$/;
const EMAIL = /^e[-_ ]?mail$/;
const AFFILIATE_MEDIUM = /^affiliates?$/;
const PUSH_MEDIUM = /push$|mobile|notification/;
/** "shop" as the beginning of a word, or after "e" as in "eshop", but not in "bishop". */
const SHOPPING_CAMPAIGN = /(?:^|[^a-df-z])shop|shopping/;

const RULES: readonly (readonly [channel: string, applies: (known: Known) => boolean])[] = [
  ["Direct", ({ source, medium }) => NO_SOURCE.test(source) && NO_MEDIUM.test(medium)],
  ["Paid Shopping", ({ isPaid, category, isShopping }) => isPaid && (category === "shopping" || isShopping)],
  ["Paid Search", ({ isPaid, category }) => isPaid && category === "search"],
  ["Paid Social", ({ isPaid, category }) => isPaid && category === "social"],
  ["Paid Video", ({ isPaid, category }) => isPaid && category === "video"],
  ["Display", ({ medium }) => DISPLAY_MEDIUM.test(medium)],
  ["Paid Other", ({ isPaid }) => isPaid],
  ["AI Assistants", ({ category, medium }) => category === "ai" || medium === "ai-assistant"],
  ["Organic Shopping", ({ category, isShopping }) => category === "shopping" || isShopping],
  ["Organic Social", ({ category, medium }) => category === "social" || SOCIAL_MEDIUM.test(medium)],
  ["Organic Video", ({ category, medium }) => category === "video" || medium.includes("video")],
  ["Organic Search", ({ category, medium }) => category === "search" || medium === "organic"],
  [
    "Email",
    ({ category, source, medium }) => category === "email" || EMAIL.test(source) || EMAIL.test(medium),
  ],
  ["Affiliates", ({ medium }) => AFFILIATE_MEDIUM.test(medium)],
  ["Audio", ({ medium }) => medium === "audio"],
  ["SMS", ({ source, medium }) => source === "sms" || medium === "sms"],
  ["Mobile Push Notifications", ({ source, medium }) => PUSH_MEDIUM.test(medium) || source === "firebase"],
];

/** The channel of `traffic`, by the rules above. */
export function channelOf(traffic: Traffic): string {
  const source = traffic.source.toLowerCase();
  const medium = traffic.medium.toLowerCase();
  const campaign = traffic.campaign.toLowerCase();
  const known: Known = {
    ...{ source, medium, campaign },
    category: sourceNamed(source)?.category,
    isPaid: PAID_MEDIUM.test(medium),
    isShopping: SHOPPING_CAMPAIGN.test(campaign),
  };
  return RULES.find(([, applies]) => applies(known))?.[0] ?? "Referral";
}
