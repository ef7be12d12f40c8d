import { describe, expect, test } from "vitest";
import { isStaticFile } from "../../src/import/static-file.ts";

describe("a static file", () => {
  test.each(["/style.css", "/a/b.JS", "/favicon.ico", "/x.min.js.map", "/.png", "/robots.txt"])(
    "is %s",
    (path) => {
      expect(isStaticFile(path)).toBe(true);
    },
  );

  test.each(["/", "/css", "/a.js/b", "/index.html", "/manual.pdf", "/a.", "/feed.xml", "/docs/robots.txt"])(
    "is not %s",
    (path) => {
      expect(isStaticFile(path)).toBe(false);
    },
  );
});
