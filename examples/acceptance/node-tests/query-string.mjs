/** Parses `a=1&b=2&a=3` into a map of lists; `+` is a space, and a broken percent sequence stays as it is. */
export function parseQuery(text) {
  const fields = new Map();
  for (const pair of text.replace(/^\?/, "").split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    const key = decode(name);
    fields.set(key, [...(fields.get(key) ?? []), decode(value)]);
  }
  return fields;
}

export function formatQuery(fields) {
  return [...fields]
    .flatMap(([name, values]) => values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`))
    .join("&");
}

function decode(text) {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Half a percent sequence is what people paste; the text itself is the best that can be read.
    return spaced;
  }
}
