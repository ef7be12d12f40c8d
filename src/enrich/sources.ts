// The well-known sites that visitors come from: what they are called and what they are. Each is known by host names (see
// hosts.ts; of an Android app, its package), and by words that stand for it in utm_source. A known name or host of the
// table is such a word, too.

import { ofHost } from "./hosts.ts";

export type SourceCategory = "search" | "social" | "video" | "shopping" | "email" | "ai";

export interface Source {
  readonly name: string;
  readonly category: SourceCategory;
}

/** The hosts, which have a dot, and the words, which have none, by the name of the source. */
type SourceTable = Readonly<Record<string, readonly string[]>>;

const SEARCH: SourceTable = {
  AOL: ["search.aol.com", "aol.*"],
  Ask: ["ask.com"],
  Baidu: ["baidu.com"],
  Bing: ["bing.com", "com.microsoft.bing", "bingads", "microsoft"],
  "Brave Search": ["search.brave.com", "brave"],
  Coccoc: ["coccoc.com"],
  Daum: ["daum.net"],
  Dogpile: ["dogpile.com"],
  DuckDuckGo: ["duckduckgo.com", "ddg.gg", "com.duckduckgo.mobile.android", "ddg"],
  Ecosia: ["ecosia.org", "com.ecosia.android"],
  Excite: ["excite.*"],
  Gibiru: ["gibiru.com"],
  Google: [
    "google.*",
    "com.google.android.googlequicksearchbox",
    "com.google.android.gms",
    "syndicatedsearch.goog",
    "googleadservices.com",
    "adwords",
    "googleads",
    "google_ads",
    "google-ads",
  ],
  Kagi: ["kagi.com"],
  Lycos: ["lycos.*"],
  Lilo: ["lilo.org"],
  "Mail.ru Search": ["go.mail.ru"],
  MetaGer: ["metager.org", "metager.de"],
  Mojeek: ["mojeek.com", "mojeek.co.uk"],
  MSN: ["msn.com"],
  Naver: ["naver.com"],
  OceanHero: ["oceanhero.today"],
  Presearch: ["presearch.com", "presearch.org"],
  Qwant: ["qwant.com", "com.qwant.liberty"],
  Rambler: ["rambler.ru"],
  Seznam: ["seznam.cz"],
  "360 Search": ["so.com", "haosou.com"],
  Shenma: ["sm.cn"],
  Sogou: ["sogou.com"],
  Startpage: ["startpage.com"],
  Swisscows: ["swisscows.com", "swisscows.ch"],
  WebCrawler: ["webcrawler.com"],
  Yahoo: ["yahoo.*"],
  Yandex: ["yandex.*", "ya.ru", "com.yandex.browser"],
  Yep: ["yep.com"],
};

const SOCIAL: SourceTable = {
  Ameba: ["ameba.jp", "ameblo.jp"],
  Behance: ["behance.net"],
  Blogger: ["blogger.com", "blogspot.com"],
  Bluesky: ["bsky.app", "bsky.social", "go.bsky.app", "xyz.blueskyweb.app", "bsky"],
  "Dev.to": ["dev.to"],
  Discord: ["discord.com", "discord.gg", "discordapp.com", "com.discord"],
  Disqus: ["disqus.com"],
  Douban: ["douban.com"],
  Dribbble: ["dribbble.com"],
  Facebook: [
    "facebook.com",
    "fb.com",
    "fb.me",
    "com.facebook.katana",
    "com.facebook.lite",
    "com.facebook.orca",
    "messenger.com",
    "fb",
    "facebook_ads",
    "facebook-ads",
    "meta",
  ],
  Flipboard: ["flipboard.com", "flipboard.app"],
  Gab: ["gab.com"],
  Goodreads: ["goodreads.com"],
  "Hacker News": ["news.ycombinator.com", "hckrnews.com", "hackernews", "hn"],
  Hatena: ["hatena.ne.jp", "b.hatena.ne.jp"],
  "Indie Hackers": ["indiehackers.com"],
  Instagram: ["instagram.com", "ig.me", "com.instagram.android", "ig", "insta"],
  Kakao: ["kakao.com", "story.kakao.com"],
  LINE: ["line.me", "jp.naver.line.android"],
  LinkedIn: ["linkedin.com", "lnkd.in", "com.linkedin.android", "li", "linkedin_ads"],
  LiveJournal: ["livejournal.com"],
  Lobsters: ["lobste.rs"],
  Mastodon: ["mastodon.social", "mastodon.online", "mstdn.social", "mas.to", "fosstodon.org", "hachyderm.io"],
  Medium: ["medium.com"],
  Meetup: ["meetup.com"],
  Minds: ["minds.com"],
  Mixi: ["mixi.jp"],
  Nextdoor: ["nextdoor.com"],
  Odnoklassniki: ["ok.ru", "odnoklassniki.ru"],
  Pinterest: ["pinterest.*", "pin.it", "com.pinterest"],
  "Product Hunt": ["producthunt.com", "producthunt"],
  Quora: ["quora.com"],
  Reddit: ["reddit.com", "redd.it", "com.reddit.frontpage"],
  Signal: ["signal.org", "signal.me"],
  Slack: ["slack.com", "com.slack"],
  Snapchat: ["snapchat.com", "com.snapchat.android"],
  "Stack Overflow": ["stackoverflow.com", "stackoverflow"],
  "Stack Exchange": ["stackexchange.com", "stackexchange"],
  Substack: ["substack.com"],
  Telegram: ["t.me", "telegram.org", "telegram.me", "org.telegram.messenger"],
  Threads: ["threads.net", "threads.com", "com.instagram.barcelona"],
  Tumblr: ["tumblr.com", "com.tumblr"],
  Viadeo: ["viadeo.com"],
  VK: ["vk.com", "vk.ru", "com.vkontakte.android", "vkontakte"],
  WeChat: ["wechat.com", "weixin.qq.com", "com.tencent.mm"],
  Weibo: ["weibo.com", "weibo.cn"],
  WhatsApp: ["whatsapp.com", "wa.me", "com.whatsapp"],
  WordPress: ["wordpress.com"],
  X: ["x.com", "t.co", "twitter.com", "com.twitter.android", "twitter"],
  Xing: ["xing.com"],
  Zalo: ["zalo.me"],
  Zhihu: ["zhihu.com"],
};

const VIDEO: SourceTable = {
  Bilibili: ["bilibili.com", "b23.tv", "tv.danmaku.bili"],
  Dailymotion: ["dailymotion.com", "dai.ly"],
  Netflix: ["netflix.com"],
  Niconico: ["nicovideo.jp"],
  Odysee: ["odysee.com"],
  Rumble: ["rumble.com"],
  Rutube: ["rutube.ru"],
  TED: ["ted.com"],
  TikTok: ["tiktok.com", "com.zhiliaoapp.musically", "com.ss.android.ugc.trill", "tiktok_ads"],
  Twitch: ["twitch.tv", "tv.twitch.android.app"],
  Vimeo: ["vimeo.com"],
  Wistia: ["wistia.com"],
  Youku: ["youku.com"],
  YouTube: ["youtube.com", "youtu.be", "youtube-nocookie.com", "com.google.android.youtube", "yt"],
};

const SHOPPING: SourceTable = {
  AliExpress: ["aliexpress.com", "aliexpress.ru"],
  Alibaba: ["alibaba.com"],
  Allegro: ["allegro.pl"],
  Amazon: ["amazon.*", "amzn.to", "a.co", "com.amazon.mshop.android.shopping"],
  "Best Buy": ["bestbuy.com"],
  eBay: ["ebay.*", "com.ebay.mobile"],
  Etsy: ["etsy.com", "com.etsy.android"],
  Flipkart: ["flipkart.com"],
  "Google Shopping": ["shopping.google.com", "google_shopping"],
  "Mercado Libre": ["mercadolibre.*", "mercadolivre.com.br"],
  Otto: ["otto.de"],
  Ozon: ["ozon.ru"],
  PriceRunner: ["pricerunner.com"],
  Rakuten: ["rakuten.*"],
  Shopee: ["shopee.*"],
  Shopify: ["shopify.com"],
  Shopzilla: ["shopzilla.com"],
  Taobao: ["taobao.com"],
  Temu: ["temu.com"],
  Walmart: ["walmart.com"],
  Wildberries: ["wildberries.ru"],
};

const EMAIL: SourceTable = {
  "AOL Mail": ["mail.aol.com"],
  Fastmail: ["fastmail.com"],
  Gmail: ["mail.google.com", "com.google.android.gm"],
  GMX: ["gmx.net", "gmx.com", "gmx.at", "gmx.ch"],
  "iCloud Mail": ["icloud.com"],
  Mailchimp: ["mailchimp.com", "mailchi.mp", "list-manage.com"],
  "Mail.ru": ["e.mail.ru"],
  "Naver Mail": ["mail.naver.com"],
  Outlook: [
    "outlook.com",
    "outlook.live.com",
    "outlook.office.com",
    "outlook.office365.com",
    "com.microsoft.office.outlook",
  ],
  "Proton Mail": ["mail.proton.me", "protonmail.com", "ch.protonmail.android"],
  "QQ Mail": ["mail.qq.com"],
  "WEB.DE": ["web.de"],
  "Yahoo Mail": ["mail.yahoo.com", "com.yahoo.mobile.client.android.mail"],
  "Yandex Mail": ["mail.yandex.ru", "mail.yandex.com"],
  "Zoho Mail": ["mail.zoho.com", "mail.zoho.eu"],
};

const AI: SourceTable = {
  ChatGPT: ["chatgpt.com", "chat.openai.com", "com.openai.chatgpt", "openai"],
  Claude: ["claude.ai", "com.anthropic.claude"],
  DeepSeek: ["deepseek.com", "com.deepseek.chat"],
  Gemini: ["gemini.google.com", "bard.google.com", "com.google.android.apps.bard", "bard"],
  Grok: ["grok.com", "ai.x.grok"],
  Kimi: ["kimi.com", "kimi.moonshot.cn"],
  "Meta AI": ["meta.ai"],
  "Microsoft Copilot": ["copilot.microsoft.com", "copilot.com", "com.microsoft.copilot", "copilot"],
  "Le Chat": ["chat.mistral.ai", "mistral"],
  NotebookLM: ["notebooklm.google.com"],
  Perplexity: ["perplexity.ai", "ai.perplexity.app.android"],
  Phind: ["phind.com"],
  Poe: ["poe.com"],
  Qwen: ["chat.qwen.ai"],
  "You.com": ["you.com"],
};

const SOURCES = new Map<string, Source>([
  ...entriesOf("search", SEARCH),
  ...entriesOf("social", SOCIAL),
  ...entriesOf("video", VIDEO),
  ...entriesOf("shopping", SHOPPING),
  ...entriesOf("email", EMAIL),
  ...entriesOf("ai", AI),
]);

/** The source that `host`, in lower case, belongs to; undefined if it is not a known one. */
export function sourceOfHost(host: string): Source | undefined {
  return host.includes(".") ? ofHost(SOURCES, host) : undefined;
}

/** The source that `text` of utm_source means: by its name, another word for it, or one of its hosts. */
export function sourceNamed(text: string): Source | undefined {
  const word = text.trim().toLowerCase();
  return SOURCES.get(word) ?? sourceOfHost(word);
}

function entriesOf(category: SourceCategory, table: SourceTable): [string, Source][] {
  return Object.entries(table).flatMap(([name, keys]) => {
    const source = { name, category };
    return [name.toLowerCase(), ...keys].map((key): [string, Source] => [key, source]);
  });
}
