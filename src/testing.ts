/** The suites that any store and any transport must pass, for those who write another one. Needs vitest. */
export { describeMachine, type MachineUnderTest } from "./machines/conformance/machine-conformance.js";
export { describeStore, type StoreUnderTest } from "./store/conformance/describe-store.js";
