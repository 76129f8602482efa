//! # Metrics: how the server is, for Prometheus
//!
//! `GET /metrics` at the root, as text. For whoever asks on this machine, and for admins: how many
//! people there are is nobody else's business.

use std::fmt::Write;

use super::asking::{Answered, settled};
use crate::chat::{Refusal, Role, summary};
use crate::http::{Response, Status};
use crate::nano::Fault;
use crate::site::auth;
use crate::site::hall::Hall;
use crate::web::{Cx, House, Reply, Wait};

/// Ticks of a second in `/proc/self/stat`: a constant of the kernel's interface.
const TICKS_PER_S: f64 = 100.0;

/// What the system says of this process.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    resident_bytes: Option<u64>,
    cpu_s: Option<f64>,
}

/// `GET /metrics`.
pub(in crate::site) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    if !is_here(cx) && auth::identity(cx)?.role != Role::Admin {
        let tell = "Only an admin, or a program on the server's own machine, may see this.";
        return Err(Refusal::forbidden(tell));
    }
    Ok(
        Wait::on_helper(look).then(|cx: &mut Cx<'_, Hall>, process| {
            settled(Ok(Reply::of(
                Response::new(Status::OK)
                    .field("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                    .field("Cache-Control", "no-store")
                    .body(written(cx.state, &cx.house, process)),
            )))
        }),
    )
}

/// Whether this machine itself asks, and not somebody through a proxy on it.
fn is_here(cx: &Cx<'_, Hall>) -> bool {
    let proxied = ["Forwarded", "X-Forwarded-For", "Via"];
    let is_near = cx.request.peer().ip().is_none_or(|ip| ip.is_loopback());
    is_near && !proxied.iter().any(|name| cx.request.field(name).is_some())
}

fn look() -> Process {
    let read = |path| std::fs::read_to_string(path).ok();
    Process {
        resident_bytes: read("/proc/self/status").and_then(|text| resident(&text)),
        cpu_s: read("/proc/self/stat").and_then(|text| cpu(&text)),
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn cpu(stat: &str) -> Option<f64> {
    // The second word is the program's name, in which anything may be.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let mut ticks = || words.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_S)
}

fn written(hall: &Hall, house: &House<'_, Hall>, process: Process) -> String {
    let mut text = String::with_capacity(2048);
    let mut say = |name: &str, kind: &str, help: &str, values: &[(String, String)]| {
        let _ = writeln!(text, "# HELP parlour_{name} {help}");
        let _ = writeln!(text, "# TYPE parlour_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "parlour_{name}{labels} {value}");
        }
    };
    let one = |value: u64| vec![(String::new(), value.to_string())];
    let crowd = &hall.crowd;
    say(
        "connections",
        "gauge",
        "Connections of people: WebSockets and streams of events.",
        &one(crowd.seats_len() as u64),
    );
    say(
        "people_online",
        "gauge",
        "People who are connected, or were a moment ago.",
        &one(crowd.people_len() as u64),
    );
    say(
        "catching_up",
        "gauge",
        "Connections that are told what they missed.",
        &one(crowd.behind_len() as u64),
    );
    say(
        "players",
        "gauge",
        "Sessions of the game protocol.",
        &one(house.sessions_len() as u64),
    );
    say(
        "players_signed_in",
        "gauge",
        "Those among them that have said who they are.",
        &one(hall.players.len() as u64),
    );
    let faults: Vec<_> = Fault::ALL
        .into_iter()
        .map(|fault| {
            let label = format!("{{rule=\"{}\"}}", fault.as_str());
            (label, house.nano_faults(fault).to_string())
        })
        .collect();
    say(
        "players_faults_total",
        "counter",
        "Sessions of the game protocol that were ended because of a broken rule, by rule.",
        &faults,
    );
    say(
        "rooms",
        "gauge",
        "Rooms that were ever spoken or acted in.",
        &one(hall.heads.len() as u64),
    );
    say(
        "last_op",
        "counter",
        "The last event that was told, counted since the database was made.",
        &one(hall.announced),
    );
    say(
        "operations_total",
        "counter",
        "What was stored since the server began.",
        &one(hall.counts.operations),
    );
    say(
        "messages_acknowledged_total",
        "counter",
        "Messages among that.",
        &one(hall.counts.messages),
    );
    let refusals: Vec<_> = hall
        .counts
        .refusals()
        .map(|(code, count)| (format!("{{code=\"{}\"}}", code.as_str()), count.to_string()))
        .collect();
    say(
        "refusals_total",
        "counter",
        "What was refused since the server began, by code.",
        &refusals,
    );
    say(
        "log_waiting_bytes",
        "gauge",
        "Bytes of what waits to be stored.",
        &one(hall.waiting_bytes() as u64),
    );
    say(
        "store_seconds",
        "summary",
        "How long operations took from being wanted to being stored.",
        &[
            (
                "_sum".to_owned(),
                format!("{:.3}", hall.counts.logged_for.as_secs_f64()),
            ),
            ("_count".to_owned(), hall.counts.logged.to_string()),
        ],
    );
    if let Ok(bytes) = hall.reader.query(summary::bytes) {
        say(
            "database_bytes",
            "gauge",
            "Bytes of the database's file.",
            &one(bytes),
        );
    }
    if let Some(bytes) = process.resident_bytes {
        say(
            "process_resident_memory_bytes",
            "gauge",
            "Memory of this process.",
            &one(bytes),
        );
    }
    if let Some(seconds) = process.cpu_s {
        say(
            "process_cpu_seconds_total",
            "counter",
            "Processor time of this process.",
            &[(String::new(), format!("{seconds:.2}"))],
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let status = "Name:\tparlour\nVmHWM:\t  9000 kB\nVmRSS:\t  8192 kB\n";
        assert_eq!(resident(status), Some(8 << 20));
        assert_eq!(resident("Name:\tx\n"), None);
        let stat = "17 (a) b) S 1 17 17 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 3 0 5 6 7";
        assert_eq!(cpu(stat), Some(2.0));
        assert_eq!(cpu("17 (a) S"), None);
    }
}
