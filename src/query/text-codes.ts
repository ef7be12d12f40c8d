// Numbers distinct texts in the order in which they come, from 0 on.

export class TextCodes {
  readonly #texts: string[] = [];
  readonly #codes = new Map<string, number>();
  #characters = 0;

  /** How long the texts are, together, in UTF-16 units. */
  get characters(): number {
    return this.#characters;
  }

  codeOf(text: string): number {
    let code = this.#codes.get(text);
    if (code === undefined) {
      code = this.#texts.length;
      this.#texts.push(text);
      this.#codes.set(text, code);
      this.#characters += text.length;
    }
    return code;
  }

  text(code: number): string {
    return this.#texts[code] ?? "";
  }
}
