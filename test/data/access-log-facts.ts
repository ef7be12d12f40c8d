// What is in access.log, counted by other means than ours (a few lines of Python that split at spaces).

export const ACCESS_LOG = {
  lines: 200,
  /** The line that is cut off. */
  malformedLine: 120,
  /** Lines that are no successful GET. */
  notPages: 39,
  /** With static files and bots. */
  everything: {
    views: 160,
    users: 29,
    paths: [
      { path: "/blog/first", views: 31 },
      { path: "/", views: 28 },
      { path: "/style.css", views: 19 },
      { path: "/favicon.ico", views: 15 },
      { path: "/about", views: 13 },
      { path: "/caf%C3%A9", views: 12 },
      { path: "/docs/guide.html", views: 11 },
      { path: "/docs/manual.pdf", views: 8 },
      { path: "/app.js", views: 7 },
      { path: "/robots.txt", views: 7 },
      { path: "/blog/second", views: 5 },
      { path: "/logo.PNG", views: 4 },
    ],
    /** Views by UTC day. */
    days: { "2025-03-03": 66, "2025-03-04": 94 },
  },
  /** By default, without what is of bots. */
  pages: {
    views: 82,
    users: 29,
    /** Static files left out, also those that bots asked for. */
    assets: 52,
    /** Pages that bots asked for. */
    bots: 26,
    paths: [
      { path: "/blog/first", views: 29 },
      { path: "/", views: 17 },
      { path: "/docs/guide.html", views: 10 },
      { path: "/about", views: 7 },
      { path: "/caf%C3%A9", views: 7 },
      { path: "/docs/manual.pdf", views: 7 },
      { path: "/blog/second", views: 5 },
    ],
    referrers: { "https://www.example.org/": 28, "": 27, 'https://search.example/?q="footfall"': 27 },
    /** Requests whose query says how the visitor came. */
    campaigns: { "/blog/second?utm_source=feed&utm_medium=rss": 5, "/about?ref=mail": 4 },
    /** Views by source, when www.example.org is the site's host. */
    sources: { "": 50, "search.example": 23, feed: 5, mail: 4 },
    browsers: { Safari: 31, Firefox: 26, Chrome: 25 },
  },
};
