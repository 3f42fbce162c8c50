import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

type Imported = OutputOf<"machines.import">;

const box = perTest(createSandbox);
beforeEach(() => {
  writeFileSync(
    box.path("ssh_config"),
    "Host gpu-1 gpu-2\n  User ci\nHost web\n  HostName 10.0.0.9\nHost *\n  Port 2222\n",
  );
});

const FROM = ["machines", "import", "--ssh-config", "ssh_config"];

describe("`machines import`", () => {
  it("prints an inventory that Waybill reads, with the hosts as the configuration names them", async () => {
    const { code, stdout } = await box.cli([...FROM, "--host", "gpu*", "--tag", "gpu"]);
    writeFileSync(box.path("machines.yaml"), stdout);
    const { machines } = await box.json<OutputOf<"machines.list">>(["machines", "list"]);

    expect(code).toBe(0);
    expect(stdout).toBe(`machines:
  gpu-1: { transport: ssh, host: gpu-1, tags: [ gpu ], ssh_config: ${box.path("ssh_config")} }
  gpu-2: { transport: ssh, host: gpu-2, tags: [ gpu ], ssh_config: ${box.path("ssh_config")} }
`);
    expect(machines.map((m) => [m.name, m.status, m.tags])).toEqual([
      ["gpu-1", "unknown", ["gpu"]],
      ["gpu-2", "unknown", ["gpu"]],
    ]);
  });

  it("merges into the inventory in use, keeps its comments and entries, and says what was left out", async () => {
    const before = "# ours\nmachines:\n  # do not touch\n  gpu-1: { transport: ssh, host: old } # as it was\n";
    writeFileSync(box.path("machines.yaml"), before);
    const imported = await box.json<Imported>([...FROM, "--merge"]);
    const after = readFileSync(box.path("machines.yaml"), "utf8");

    expect(imported.written).toBe(box.path("machines.yaml"));
    expect(imported.added.map(({ name, about }) => [name, about])).toEqual([
      ["gpu-2", "ci@gpu-2:2222"],
      ["web", "10.0.0.9:2222"],
    ]);
    expect(imported.skipped).toEqual([
      { name: "gpu-1", about: "ci@gpu-1:2222", reason: "the inventory has a machine of this name" },
    ]);
    expect(after.startsWith(before)).toBe(true);
    expect((await box.json<Imported>([...FROM, "--merge"])).added).toEqual([]);
    expect(readFileSync(box.path("machines.yaml"), "utf8")).toBe(after);
  });

  it("writes a new file, and overwrites none", async () => {
    const args = [...FROM, "--output", "fleet.yaml"];
    const first = await box.cli(args);
    const second = await box.cli(args);

    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining("3 added to")]);
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining("is there already")]);
  });

  it("leaves a broken inventory as it is", async () => {
    writeFileSync(box.path("machines.yaml"), "machines: [\n");
    const { code, stderr } = await box.cli([...FROM, "--merge"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("invalid_inventory")]);
    expect(readFileSync(box.path("machines.yaml"), "utf8")).toBe("machines: [\n");
  });

  it("says when there is no configuration", async () => {
    const { code, stderr } = await box.cli(["machines", "import", "--ssh-config", "none"]);

    expect([code, stderr]).toEqual([2, expect.stringMatching(/ssh configuration .*none cannot be read: ENOENT/)]);
  });
});

describe("a tailnet", () => {
  let server: Server;
  let asked = 0;
  beforeEach(async () => {
    asked = 0;
    const device = { name: "gpu-9.tail.ts.net", addresses: ["100.64.0.9"], os: "linux", tags: ["tag:gpu"] };
    server = createServer((request, response) => {
      asked += 1;
      const allowed = request.headers.authorization === "Bearer tskey-secret";
      response.writeHead(allowed ? 200 : 401).end(JSON.stringify({ devices: [device] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const env = (key = "tskey-secret") => ({
    TAILSCALE_API_KEY: key,
    WAYBILL_TAILSCALE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });

  it("is imported by its devices", async () => {
    const { added } = await box.json<Imported>(["machines", "import", "--tailscale"], { env: env() });
    const refused = await box.cli(["machines", "import", "--tailscale"], { env: env("wrong") });
    const without = await box.cli(["machines", "import", "--tailscale"]);

    expect(added).toEqual([{ name: "gpu-9", host: "gpu-9.tail.ts.net", about: "100.64.0.9, linux" }]);
    expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining("auth_failed")]);
    expect([without.code, without.stderr]).toEqual([6, expect.stringContaining("TAILSCALE_API_KEY")]);
  });

  it("is part of an inventory that asks for it, asked at most once a minute, without a secret on disk", async () => {
    writeFileSync(box.path("machines.yaml"), "machines: { here: {} }\ntailscale: { tags: [gpu], user: ci }\n");
    const list = () => box.json<OutputOf<"machines.list">>(["machines", "list"], { env: env() });
    const { machines, source } = await list();
    await list();

    expect(machines.map((m) => [m.name, m.host, m.user])).toEqual([
      ["here", null, null],
      ["gpu-9", "gpu-9.tail.ts.net", "ci"],
    ]);
    expect(source).toBe(`${box.path("machines.yaml")} and its tailnet`);
    expect(asked).toBe(1);
    expect(readFileSync(`${box.home}/tailnet.json`, "utf8")).not.toContain("tskey");
  });

  it("is known as it was while its API cannot be reached, which is said; never known, it is an error", async () => {
    writeFileSync(box.path("machines.yaml"), "machines: {}\ntailscale: {}\n");
    const never = await box.cli(["machines", "list"], { env: env("wrong") });
    await box.cli(["machines", "list"], { env: env() });
    const cache = `${box.home}/tailnet.json`;
    writeFileSync(cache, readFileSync(cache, "utf8").replace(/"at":\d+/, '"at":1700000000000'));
    const { machines, source } = await box.json<OutputOf<"machines.list">>(["machines", "list"], { env: env("wrong") });

    expect([never.code, never.stderr]).toEqual([6, expect.stringContaining("auth_failed")]);
    expect(machines.map((m) => m.name)).toEqual(["gpu-9"]);
    expect(source).toContain("as of 2023-11-14T22:13:20.000Z: Tailscale's API refused the credentials (401).");
  });
});
