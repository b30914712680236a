/** Answers of a scenario's zone as a resolver gives them to the evaluator, at once. */

import type { Answer, Question, RecordData, RecordType } from "spf-check";
import { parseIpAddress, withoutFinalDot } from "../../../src/address/index.ts";
import type { ZoneData, ZoneTable } from "../../support/nameserver/zone.ts";

/** The TTL of a record without `ttl=`, and of what is not there. */
const TTL_SECONDS = 0;

/** What the zone says to a question. */
export function answerFrom(zone: ZoneTable, { name, type }: Question): Answer {
  const answer = zone.answer(name, type);
  switch (answer.kind) {
    case "silence":
      return { status: "fault", problem: "no answer in time" };
    case "rcode":
      return { status: "fault", problem: answer.rcode };
    case "records": {
      const records = answer.records.flatMap(({ data }) =>
        data.type === type ? [recordData(data)].filter((record) => record !== undefined) : [],
      );
      if (records.length === 0) {
        return { status: answer.exists ? "nodata" : "nxdomain", ttlSeconds: TTL_SECONDS };
      }
      const ttls = answer.records.map(({ ttlSeconds = TTL_SECONDS }) => ttlSeconds);
      return { status: "found", records, ttlSeconds: Math.min(...ttls) };
    }
  }
}

function recordData(data: ZoneData): RecordData[RecordType] | undefined {
  switch (data.type) {
    case "A":
    case "AAAA":
      return parseIpAddress(data.value);
    case "PTR":
    case "CNAME":
      return withoutFinalDot(data.value);
    case "MX":
      return { preference: data.preference, exchange: withoutFinalDot(data.exchange) };
    case "TXT":
    case "SPF":
      return data.strings.join("");
  }
}
