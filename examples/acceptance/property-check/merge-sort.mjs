/** A stable merge sort. */
export function mergeSort(values, compare) {
  if (values.length < 2) return [...values];
  const middle = values.length >> 1;
  const left = mergeSort(values.slice(0, middle), compare);
  const right = mergeSort(values.slice(middle), compare);
  const sorted = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) sorted.push(compare(left[i], right[j]) <= 0 ? left[i++] : right[j++]);
  return [...sorted, ...left.slice(i), ...right.slice(j)];
}
