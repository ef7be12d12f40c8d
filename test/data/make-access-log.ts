// Writes access.log: 200 lines of an access log that never was, the same ones each time, with a bit of everything
// that real logs have. The addresses are of the ranges kept for documentation.
//
//   node test/data/make-access-log.ts > test/data/access.log

const LINES = 200;
const CUT_OFF_LINE = 120;
const FIRST_MOMENT = Date.UTC(2025, 2, 3, 6, 0, 0);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const ADDRESSES = [
  ...Array.from({ length: 12 }, (_, index) => `192.0.2.${index + 1}`),
  ...Array.from({ length: 9 }, (_, index) => `198.51.100.${index + 40}`),
  ...Array.from({ length: 6 }, (_, index) => `203.0.113.${index + 200}`),
  "2001:db8::17",
  "2001:db8:0:1::2",
  "host.example.net",
];

const TARGETS = [
  "/",
  "/",
  "/",
  "/about",
  "/about?ref=mail",
  "/blog/first",
  "/blog/first",
  "/blog/second?utm_source=feed&utm_medium=rss",
  "/docs/guide.html",
  "/docs/manual.pdf",
  "/style.css",
  "/style.css?v=3",
  "/app.js",
  "/logo.PNG",
  "/favicon.ico",
  "/robots.txt",
  "http://www.example.org/blog/first?x=1",
  "/caf%C3%A9",
];

const BROWSERS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  'Mozilla/5.0 (Macintosh; \\"odd\\" Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15',
];
const BOTS = ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0"];

/** Numbers that look random and are the same each time: Park and Miller's generator. */
function generator(): (below: number) => number {
  let state = 20_250_303;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

function logTime(moment: number, zone: "+0000" | "+0100"): string {
  const local = new Date(zone === "+0100" ? moment + 3_600_000 : moment).toISOString();
  const month = MONTHS[Number(local.slice(5, 7)) - 1];
  return `${local.slice(8, 10)}/${month}/${local.slice(0, 4)}:${local.slice(11, 19)} ${zone}`;
}

const random = generator();
const pick = <T>(items: readonly T[]): T => {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("Nothing to pick from");
  return item;
};

let moment = FIRST_MOMENT;
for (let number = 1; number <= LINES; number++) {
  moment += random(1_500) * 1_000;
  const method = random(12) === 0 ? pick(["POST", "HEAD"]) : "GET";
  const status = random(10) < 7 ? 200 : pick([304, 304, 206, 301, 404, 500]);
  const size = status === 304 ? "-" : String(200 + random(40_000));
  const user = random(20) === 0 ? "ada" : "-";
  const agent = random(5) === 0 ? pick(BOTS) : pick(BROWSERS);
  const referer = pick(["-", "https://www.example.org/", 'https://search.example/?q=\\"footfall\\"']);
  const time = logTime(moment, pick(["+0000", "+0100"]));
  const request = `${method} ${pick(TARGETS)} HTTP/1.1`;
  const line = `${pick(ADDRESSES)} - ${user} [${time}] "${request}" ${status} ${size} "${referer}" "${agent}"`;
  process.stdout.write(`${number === CUT_OFF_LINE ? line.slice(0, line.length - 20) : line}\n`);
}
