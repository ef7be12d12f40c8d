// What enrichment finds out about an event. All of it is recorded in the log, so that a replay gives the same for ever.
// Texts are empty where nothing is known.

/** What the page's URL and the referrer tell. */
export interface PageFields {
  readonly path: string;
  readonly hostname: string;
  /** Host and path of the page that linked here, without "www."; empty when it is of the same site. */
  readonly referrer: string;
  /** Where the visitor came from: a name such as "Google", a host, or what utm_source says. */
  readonly source: string;
  /** By what way, such as "Organic Search"; never empty. */
  readonly channel: string;
  readonly utmSource: string;
  readonly utmMedium: string;
  readonly utmCampaign: string;
  readonly utmTerm: string;
  readonly utmContent: string;
  readonly isReferrerSpam: boolean;
}

/** What the user agent tells. */
export interface AgentFields {
  readonly browser: string;
  readonly os: string;
  /** "desktop", "mobile", "tablet", "tv" or "". */
  readonly device: string;
  readonly isBot: boolean;
}

/** What the address tells. */
export interface PlaceFields {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** ISO 3166-2, such as "DE-BE". */
  readonly region: string;
}
