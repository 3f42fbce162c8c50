import { homedir, platform } from "node:os";
import { describe, expect, it } from "vitest";
import { WaybillError } from "../domain/errors.js";
import { defaultInventory, parseInventory } from "./inventory.js";
import type { FoundMachine } from "./inventory-sources/found-machine.js";

const home = "/var/waybill";
const os = platform() === "darwin" ? "macos" : "linux";
const parse = (text: string, file = "/etc/fleet/machines.yaml") =>
  parseInventory(new TextEncoder().encode(text), file, { home }).machines;

function problemsOf(text: string): string[] {
  try {
    parse(text, "/etc/fleet/m.yaml");
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    expect(error.code).toBe("invalid_inventory");
    return error.message.split("\n").slice(1);
  }
  throw new Error("The inventory was accepted.");
}

describe("an inventory", () => {
  it("gives a local machine its defaults", () => {
    expect(parse("machines: { left: {} }")).toEqual([
      {
        name: "left",
        transport: "local",
        host: null,
        user: null,
        port: null,
        ssh: null,
        os,
        tags: [],
        slots: 1,
        workDir: "/var/waybill/machines/left",
        env: {},
      },
    ]);
  });

  it("gives a machine over ssh its defaults, and leaves its home to its own shell", () => {
    expect(parse("machines: { gpu: { transport: ssh, host: 10.0.0.5 } }")[0]).toMatchObject({
      transport: "ssh",
      host: "10.0.0.5",
      user: null,
      port: null,
      ssh: { configFile: null, identityFile: null, proxyJump: null, connectTimeoutMs: 10_000 },
      os: "linux",
      workDir: "~/.waybill",
    });
  });

  it("reads how ssh is called, with paths from its own folder and the user's home", () => {
    const [gpu] = parse(`
machines:
  gpu: { transport: ssh, host: gpu, ssh_config: ../ssh_config, identity_file: ~/.ssh/ci, proxy_jump: 'ci@a:22,b', connect_timeout: 1m30s }
`);

    expect(gpu?.ssh).toEqual({
      configFile: "/etc/ssh_config",
      identityFile: `${homedir()}/.ssh/ci`,
      proxyJump: "ci@a:22,b",
      connectTimeoutMs: 90_000,
    });
  });

  it("reads everything that a machine can say, in the order of the file", () => {
    const machines = parse(`
machines:
  zeta: { transport: ssh, host: h, user: ci, port: 2222, tags: [linux, gpu, linux], os: macos, slots: 4, work_dir: ~/w, env: { CI: 1 } }
  alpha: { transport: local, work_dir: /tmp/alpha }
`);

    expect(machines.map((machine) => machine.name)).toEqual(["zeta", "alpha"]);
    expect(machines[0]).toMatchObject({
      user: "ci",
      port: 2222,
      os: "macos",
      slots: 4,
      workDir: "~/w",
      env: { CI: "1" },
    });
    expect(machines[0]?.tags).toEqual(["linux", "gpu"]);
  });

  it("starts relative work directories from its own folder, and ~ from the user's home", () => {
    const machines = parse(
      "machines: { a: { work_dir: ../w }, b: { work_dir: ~/b }, c: { work_dir: '~' }, d: { work_dir: ~x } }",
    );

    expect(machines.map((machine) => machine.workDir)).toEqual([
      "/etc/w",
      `${homedir()}/b`,
      homedir(),
      "/etc/fleet/~x",
    ]);
  });

  it("has all of its faults told at once", () => {
    const text = `machines:
  left: { work_dir: /w, slot: 2 }
  right: { work_dir: /x/../w, port: 22 }
  -bad: {}
  far: { transport: ssh, slots: 0, work_dir: w }
`;

    expect(problemsOf(text)).toEqual([
      '/etc/fleet/m.yaml:2:25 unknown key "slot" (did you mean "slots"?)',
      '/etc/fleet/m.yaml:3:22 work_dir /w is already that of machine "left" (every machine needs a directory of its own)',
      '/etc/fleet/m.yaml:3:31 "port" has no meaning for a local machine (did you forget `transport: ssh`?)',
      "/etc/fleet/m.yaml:4:3 \"-bad\" is not a machine's name (letters, digits, '.', '_' or '-', with a letter or digit first)",
      '/etc/fleet/m.yaml:5:8 missing key "host", which transport ssh needs',
      "/etc/fleet/m.yaml:5:33 expected at least 1, found the number 0",
      '/etc/fleet/m.yaml:5:46 expected an absolute path or one that starts with ~/, found "w"',
    ]);
  });

  it.each([
    ["", "expected a map, found nothing"],
    ["machines: {}", "no machine"],
    ["machines: [left]", "expected a map, found a list"],
    ["machines: { left: }", "expected a map, found nothing"],
    ["machines: { left: { os: linx } }", 'expected linux or macos or windows, found "linx" (did you mean "linux"?)'],
    ["machines: { left: { slots: 1001 } }", "expected at most 1000"],
    ["machines: { left: { tags: [a b] } }", 'letter or digit first, found "a b"'],
    ["machines: { left: { env: { A: { from_env: B } } } }", "expected text, a number, true or false, found a map"],
    ["machines: { a: { transport: ssh, host: -oProxyCommand=x } }", "one word that does not start with '-'"],
    ["machines: { a: { transport: ssh, host: h, port: 65536 } }", "expected at most 65535"],
    ["machines: { a: { transport: ssh, host: h, connect_timeout: 10 } }", "found the number 10"],
    ["machines: { a: { transport: ssh, host: h, connect_timeout: soon } }", 'expected a duration such as "90s"'],
    ["machines: { a: { transport: ssh, host: h, proxy_jump: -oX=y } }", "one word that does not start with '-'"],
    ["machines: { a: { ssh_config: x } }", '"ssh_config" has no meaning for a local machine'],
    ["machines: { a: { transport: ssh, host: h, os: windows, work_dir: /w } }", "expected a path with a drive (C:/…)"],
    ["machines: { a: { transport: ssh, host: h, work_dir: 'C:/w' } }", "expected an absolute path"],
    ["machines: { __proto__: {} }", '"__proto__" is not a machine\'s name'],
    ["machines: { a: {}, b: { work_dir: /var/waybill/machines/a } }", 'already that of machine "a"'],
  ])("is refused: %j", (text, problem) => {
    expect(problemsOf(text).join("\n")).toContain(problem);
  });
});

describe("an inventory with a tailnet", () => {
  const device = (name: string, tags: string[]): FoundMachine => ({
    name,
    host: `${name}.tail.ts.net`,
    os: name === "mac" ? "macos" : null,
    tags,
    online: true,
    about: "",
  });
  const specsOf = (text: string, found: readonly FoundMachine[]) =>
    parseInventory(new TextEncoder().encode(text), "/etc/fleet/m.yaml", { home }).tailnet?.specsOf(found) ?? null;

  it("has the devices that carry one of its tags, with what it says of all of them", () => {
    const text = "machines: {}\ntailscale: { tags: [gpu, fast], user: ci, slots: 2, identity_file: key }";
    const found = [device("one", ["gpu"]), device("two", ["web"]), device("mac", ["fast", "web"])];

    expect(specsOf(text, found)).toMatchObject([
      { name: "one", transport: "ssh", host: "one.tail.ts.net", user: "ci", slots: 2, os: "linux", tags: ["gpu"] },
      { name: "mac", os: "macos", tags: ["fast", "web"], ssh: { identityFile: "/etc/fleet/key" } },
    ]);
  });

  it("lets what is written win over a device of the same name, and leaves out what has no legal name", () => {
    const text = "machines: { one: {} }\ntailscale: {}";

    expect(specsOf(text, [device("one", []), device("a b", []), device("two", []), device("two", [])])).toMatchObject([
      { name: "two" },
    ]);
  });

  it("is none without being asked for", () => {
    expect(specsOf("machines: { one: {} }", [])).toBeNull();
  });
});

describe("the inventory that needs no file", () => {
  it("has this host alone, named local and tagged with its system", () => {
    expect(defaultInventory({ home })).toEqual([{ ...parse("machines: { local: {} }")[0], tags: [os] }]);
    expect(defaultInventory({ home, slots: 3 })[0]?.slots).toBe(3);
  });
});
