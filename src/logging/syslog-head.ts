const HOST_OCTETS_MAX = 63;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/**
 * A function that writes the head of a line as syslog does, in local time: `Nov 22 03:18:00 host smf-spf[7]: `.
 * It is made once a second.
 */
export function syslogHead(host: string, ident: string, now: () => Date): () => string {
  const name = (host.split(".", 1)[0] ?? host).slice(0, HOST_OCTETS_MAX);
  let second = Number.NaN;
  let head = "";
  return () => {
    const time = now();
    const current = Math.floor(time.getTime() / 1000);
    if (current !== second) {
      second = current;
      head = `${timestamp(time)} ${name} ${ident}: `;
    }
    return head;
  };
}

function timestamp(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const month = MONTHS[time.getMonth()] ?? "";
  const day = String(time.getDate()).padStart(2, " ");
  return `${month} ${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
