/** The known word that a misspelt one was most likely meant to be. */
import { distance } from "fastest-levenshtein";

/** @returns the nearest word within a third of its length, at least one edit; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: { word: string; edits: number } | null = null;
  for (const candidate of known) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (edits <= limit && (best === null || edits < best.edits)) best = { word: candidate, edits };
  }
  return best?.word ?? null;
}
