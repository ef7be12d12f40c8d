// Which paths are parts of a page, fetched by the browser or a robot on its own, and not a page that somebody
// chose to see. Documents and downloads (pdf, txt, xml, zip) are not among them.

const EXTENSIONS: ReadonlySet<string> = new Set([
  // styles and scripts, and what belongs to them
  ...["css", "js", "mjs", "cjs", "map", "wasm", "webmanifest"],
  // images; favicon.ico is one
  ...["png", "jpg", "jpeg", "gif", "svg", "svgz", "ico", "cur", "webp", "avif", "bmp", "tif", "tiff", "apng"],
  // fonts
  ...["woff", "woff2", "ttf", "eot", "otf"],
  // sound and moving pictures
  ...["mp4", "m4v", "webm", "ogv", "mov", "avi", "mp3", "m4a", "ogg", "oga", "opus", "wav", "flac", "swf"],
]);

/** What only robots read. */
const FILES: ReadonlySet<string> = new Set(["/robots.txt"]);

/** Whether `path` (without a query) is a static file by its extension, in any case, or by its name. */
export function isStaticFile(path: string): boolean {
  const dot = path.lastIndexOf(".");
  if (dot < 0 || path.indexOf("/", dot) >= 0) return false;
  return EXTENSIONS.has(path.slice(dot + 1).toLowerCase()) || FILES.has(path);
}
