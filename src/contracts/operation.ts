/**
 * An operation: one thing that Waybill can be asked to do, declared once.
 *
 * Its implementation is in `app/`; the CLI derives commands, flags, help and JSON from this declaration, and so will
 * every other interface. Wire names are snake_case; a field's description becomes its help text.
 */
import type * as z from "zod";
import type { ErrorCode } from "../domain/errors.js";
import { later } from "./later.js";

export interface Operation<
  Name extends string = string,
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  /** The words typed after `waybill`. */
  readonly command: string;
  readonly summary: string;
  /** `read` changes nothing anywhere; `write` may. */
  readonly effect: "read" | "write";
  readonly input: Input;
  /** The result, or each item of it when `stream`. */
  readonly output: Output;
  readonly stream: boolean;
  /** Input fields that are given by position, in order; the last one takes the rest when it is a list. */
  readonly positional: readonly string[];
  /** List fields whose flag takes several values in a row; what is given by position then stands after `--`. */
  readonly variadic: readonly string[];
  /** The codes that a caller should expect beyond those of the store, which any operation may meet. */
  readonly errors: readonly ErrorCode[];
  /** Command lines, without the leading `waybill`, each with what it is for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
}

/** As declared: the schemas behind functions, made when an interface first asks for them. */
type Declared<N extends string, I extends z.ZodObject, O extends z.ZodType> = Omit<
  Operation<N, I, O>,
  "stream" | "positional" | "variadic" | "examples" | "input" | "output"
> &
  Partial<Pick<Operation<N, I, O>, "positional" | "variadic" | "examples">> & {
    readonly input: () => I;
    readonly output: () => O;
  };

function declare<N extends string, I extends z.ZodObject, O extends z.ZodType, S extends boolean>(
  { input, output, ...declared }: Declared<N, I, O>,
  stream: S,
) {
  const [makeInput, makeOutput] = [later(input), later(output)];
  return {
    positional: [],
    variadic: [],
    examples: [],
    ...declared,
    stream,
    get input(): I {
      return makeInput();
    },
    get output(): O {
      return makeOutput();
    },
  };
}

/** Declares an operation that answers once. */
export const operation = <N extends string, I extends z.ZodObject, O extends z.ZodType>(declared: Declared<N, I, O>) =>
  declare(declared, false as const);

/** Declares an operation that answers with a stream of items. */
export const streaming = <N extends string, I extends z.ZodObject, O extends z.ZodType>(declared: Declared<N, I, O>) =>
  declare(declared, true as const);
