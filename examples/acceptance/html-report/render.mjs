import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

const [source, destination] = process.argv.slice(2);
const { title, unit, rows } = JSON.parse(readFileSync(source, "utf8"));

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (character) => ESCAPES[character]);

/** The smallest sample that a share of the samples does not exceed (nearest rank). */
function percentile(samples, share) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

const summary = rows.map(({ name, samples }) => ({
  name,
  median: percentile(samples, 0.5),
  slowest: percentile(samples, 1),
}));
const widest = Math.max(...summary.map(({ slowest }) => slowest));

const line = ({ name, median, slowest }) => `<tr><th>${escapeHtml(name)}</th><td>${median}</td><td>${slowest}</td>
<td><svg width="200" height="12"><rect width="${(200 * slowest) / widest}" height="12" fill="#ccd"/>
<rect width="${(200 * median) / widest}" height="12" fill="#446"/></svg></td></tr>`;

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:15px system-ui;margin:2rem}th{text-align:left}td,th{padding:.2rem 1rem .2rem 0}</style>
<h1>${escapeHtml(title)}</h1>
<table><tr><th>endpoint</th><th>median (${unit})</th><th>slowest (${unit})</th><th></th></tr>
${summary.map(line).join("\n")}
</table></html>
`;

assert.equal(page.split("<tr>").length - 2, rows.length, "one line for each endpoint");
assert.ok(!page.includes("<term>"), "text from data is escaped");
assert.equal(summary[0].median, 12);
writeFileSync(destination, page);
console.log(`${rows.length} endpoints, ${page.length} bytes of HTML`);
for (const { name, median, slowest } of summary)
  console.log(`${name}: median ${median} ${unit}, slowest ${slowest} ${unit}`);
