import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isWanted, readSshHosts } from "./ssh-config-hosts.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "waybill-ssh-config-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
const hosts = async (text: string) =>
  (await readSshHosts(file("config", text))).map(({ name, about }) => [name, about]);

describe("an ssh configuration", () => {
  it("names its hosts once each, and says where they are by what holds for all of them", async () => {
    const text = `
# the fleet
Host gpu-1 gpu-2
  HostName 10.0.0.5
  User ci
Host="quoted"
\tport=2222
host gpu-1
  ProxyJump door
Host *
  User ann
  IdentityFile ~/.ssh/key
`;

    expect(await hosts(text)).toEqual([
      ["gpu-1", "ci@10.0.0.5 through door with ~/.ssh/key"],
      ["gpu-2", "ci@10.0.0.5 with ~/.ssh/key"],
      ["quoted", "ann@quoted:2222 with ~/.ssh/key"],
    ]);
  });

  it("names no patterns", async () => {
    expect(await hosts("Host * web-? !bastion plain\n  User x\n")).toEqual([["plain", "x@plain"]]);
  });

  it("follows what it includes, by wildcard too, and what a section includes", async () => {
    mkdirSync(join(dir, "conf.d"));
    file("conf.d/a.conf", `Host a\nInclude ${dir}/deeper\n`);
    file("conf.d/b.conf", "Host b\n  Port 9\n");
    file("conf.d/.hidden.conf", "Host hidden\n");
    file("deeper", "Host deep\n");
    const text = `Include ${dir}/conf.d/*.conf ${dir}/missing\nHost main\n  Include ${dir}/conf.d/b.conf\n  User me\n`;

    expect((await hosts(text)).map(([name]) => name)).toEqual(["deep", "a", "b", "main"]);
    expect((await hosts(text)).find(([name]) => name === "main")).toEqual(["main", "me@main"]);
  });

  it("that includes itself is refused", async () => {
    await expect(hosts(`Include ${dir}/config\nHost a\n`)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("that is not there is refused, with how to name another", async () => {
    await expect(readSshHosts(join(dir, "none"))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("ENOENT"),
    });
  });

  it("is read without carrying out what it names", async () => {
    const trace = join(dir, "executed");

    expect(await hosts(`Match exec "touch ${trace}"\n  User x\nHost a\n`)).toEqual([["a", "a"]]);
    expect(existsSync(trace)).toBe(false);
  });
});

describe("the hosts that are wanted", () => {
  it("are those that match one of the patterns, or all", () => {
    expect(["gpu-1", "gpu-2", "web"].filter((name) => isWanted(name, ["gpu*", "!gpu-2"]))).toEqual(["gpu-1"]);
    expect(isWanted("web", [])).toBe(true);
  });
});
