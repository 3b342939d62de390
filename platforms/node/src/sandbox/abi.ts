import { ABI } from "../generated/abi.js";

/** The cases of a variant or enum of the contract. */
export type Case<T extends keyof typeof ABI.cases> = (typeof ABI.cases)[T][number];

/** The number of a case in memory. */
export function discriminant<T extends keyof typeof ABI.cases>(type: T, name: Case<T>): number {
  return (ABI.cases[type] as readonly string[]).indexOf(name);
}
