/**
 * A schema that is made when it is first asked for. A command needs one or two of some sixty, and making them all would
 * be a good part of its start.
 */
export function later<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
