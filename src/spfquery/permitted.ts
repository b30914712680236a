import { type Directive, parseRecord, type TraceRecord, type TraceTerm } from "spf-check";
import { formatNetwork, type IpAddress, parseNetwork } from "../address/index.ts";
import { visible } from "./wording.ts";

/** A network, or a rule in words, that a policy lets send. */
export interface Permitted {
  /** `192.0.2.0/24`, or words where it is no fixed network. */
  readonly what: string;
  readonly family: 4 | 6 | undefined;
  /** The directive where it says more than `what`, and the domain whose record holds it. */
  readonly by: string;
}

/** What an evaluation that matched nothing found to be permitted: all that leads to pass. */
export function permittedBy(trace: TraceRecord): Permitted[] {
  const parsed = trace.record === undefined ? undefined : parseRecord(trace.record);
  if (parsed === undefined || "fault" in parsed) return [];
  const directives = new Map(parsed.record.directives.map((directive) => [directive.text, directive]));
  return trace.terms.flatMap((term) => {
    const directive = directives.get(term.term);
    if (directive === undefined) return term.nested === undefined ? [] : permittedBy(term.nested);
    return directive.qualifier === "+" ? permittedByTerm(trace, term, directive) : [];
  });
}

function permittedByTerm(trace: TraceRecord, term: TraceTerm, { mechanism, text }: Directive): Permitted[] {
  const domain = visible(trace.domain);
  const by = mechanism.kind === "a" || mechanism.kind === "mx" ? `${visible(text)} of ${domain}` : domain;
  const network = (address: IpAddress, prefixLength: number): Permitted => {
    const parsed = parseNetwork(`${address.text}/${prefixLength}`);
    const whole = prefixLength === (address.family === 4 ? 32 : 128);
    const what = parsed === undefined || whole ? address.text : formatNetwork(parsed.network);
    return { by, what, family: address.family };
  };
  const target = visible(term.target ?? trace.domain);
  switch (mechanism.kind) {
    case "ip4":
    case "ip6":
      return [network(mechanism.address, mechanism.prefixLength)];
    case "a":
    case "mx":
      return addressesOf(term).map((address) =>
        network(address, address.family === 4 ? mechanism.cidr.ip4 : mechanism.cidr.ip6),
      );
    case "include":
      return term.nested === undefined ? [] : permittedBy(term.nested);
    case "ptr":
      return [{ by, what: `hosts whose verified name ends in ${target}`, family: undefined }];
    case "exists":
      return [{ by, what: `clients for which ${visible(mechanism.target.text)} exists`, family: undefined }];
    case "all":
      return [{ by, what: "every host", family: undefined }];
  }
}

function addressesOf(term: TraceTerm): IpAddress[] {
  return term.lookups.flatMap(({ question, answer }) => {
    if (answer.status !== "found" || (question.type !== "A" && question.type !== "AAAA")) return [];
    return answer.records.flatMap((record) =>
      typeof record === "object" && "bytes" in record ? [record] : [],
    );
  });
}
