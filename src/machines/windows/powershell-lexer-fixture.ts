/**
 * Enough of PowerShell's lexical rules to find what is not closed. It is no parser: what it lets through may still be wrong.
 */

export interface Lexed {
  /** The code without comments, and with strings reduced to what is evaluated inside of them. */
  readonly code: string;
  /** "LINE: what is wrong". */
  readonly faults: readonly string[];
}

const CLOSER: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

class Lexer {
  readonly #text: string;
  readonly faults: string[] = [];
  code = "";
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #fault(what: string, at = this.#at): void {
    this.faults.push(`${this.#text.slice(0, at).split("\n").length}: ${what}`);
  }

  #sees(word: string): boolean {
    return this.#text.startsWith(word, this.#at);
  }

  /** Goes behind the next `end`; null when there is none. */
  #skipTo(end: string, what: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) this.#fault(`${what} is not closed`);
    this.#at = found < 0 ? this.#text.length : found + end.length;
  }

  /** Reads code up to `closer`, or to the end of the text where there is none to wait for. */
  read(closer: string | null): void {
    const begin = this.#at;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      if (char === closer) {
        this.code += char;
        this.#at += 1;
        return;
      }
      if (char in CLOSER) {
        this.code += char;
        this.#at += 1;
        this.read(CLOSER[char] ?? null);
      } else if (Object.values(CLOSER).includes(char)) {
        this.#fault(`${char} closes nothing`);
        this.#at += 1;
      } else this.#step(char);
    }
    if (closer !== null) this.#fault(`${closer} is missing`, begin);
  }

  #step(char: string): void {
    if (this.#sees("@'\n")) this.#skipTo("\n'@", "a here-string");
    else if (this.#sees("<#")) this.#skipTo("#>", "a comment");
    else if (char === "#" && /[\s;{(]/.test(this.#text[this.#at - 1] ?? "\n")) {
      this.#skipTo("\n", "a comment");
      this.code += "\n";
    } else if (char === "'") this.#literal();
    else if (char === '"') this.#evaluated();
    else {
      // A backtick takes the next character out of the language.
      const length = char === "`" ? 2 : 1;
      this.code += this.#text.slice(this.#at, this.#at + length);
      this.#at += length;
    }
  }

  #literal(): void {
    this.#at += 1;
    this.#skipTo("'", "a string");
    if (this.#sees("'")) this.#literal();
    else this.code += "''";
  }

  #evaluated(): void {
    const begin = this.#at;
    this.#at += 1;
    this.code += '"';
    while (this.#at < this.#text.length) {
      if (this.#sees('""') || this.#sees("`")) this.#at += 2;
      else if (this.#sees('"')) {
        this.code += '"';
        this.#at += 1;
        return;
      } else if (this.#sees("$(")) {
        this.code += " (";
        this.#at += 2;
        this.read(")");
      } else {
        const variable = /^\$(?:[A-Za-z_][\w:]*|\{[^}]*\})/.exec(this.#text.slice(this.#at))?.[0] ?? null;
        if (variable !== null) this.code += ` ${variable} `;
        this.#at += variable?.length ?? 1;
      }
    }
    this.#fault("a string is not closed", begin);
  }
}

export function lexPowershell(text: string): Lexed {
  const lexer = new Lexer(text);
  lexer.read(null);
  return { code: lexer.code, faults: lexer.faults };
}
