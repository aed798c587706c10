//! Looks for a way out through WASI, and tells what it found as attributes.

use pointsman_sdk::routing::{Plan, Routing, State};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

wit_bindgen::generate!({ path: "wit", world: "closed", generate_all });

use wasi::cli::{environment, stderr, stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::io::streams::OutputStream;
use wasi::random::random;
use wasi::sockets::network::IpAddressFamily;
use wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket};

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Act {
    #[default]
    Look,
    /// Writes a traceback and traps, as an interpreter does.
    Raise,
    /// Writes a megabyte.
    Flood,
    /// Waits for an hour.
    Sleep,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    act: Act,
}

struct Closed;

impl Routing for Closed {
    type Config = Config;

    fn route(_: State, config: Config) -> Result<Plan, Error> {
        match config.act {
            Act::Look => {}
            Act::Raise => {
                print(&stderr::get_stderr(), b"Traceback:\n  line 7\nValueError: no points\n\n");
                core::arch::wasm32::unreachable();
            }
            Act::Flood => (0..256).for_each(|_| print(&stdout::get_stdout(), &[b'x'; 4_096])),
            Act::Sleep => monotonic_clock::subscribe_duration(3_600_000_000_000).block(),
        }
        print(&stdout::get_stdout(), b"looked around\n");
        let now = wall_clock::now();
        let found = [
            ("environment", environment::get_environment().len().to_string()),
            ("arguments", environment::get_arguments().len().to_string()),
            ("cwd", format!("{:?}", environment::initial_cwd())),
            ("folders", preopens::get_directories().len().to_string()),
            ("now", (now.seconds * 1_000 + u64::from(now.nanoseconds) / 1_000_000).to_string()),
            ("ticks", (monotonic_clock::now() - monotonic_clock::now()).to_string()),
            ("random", random::get_random_u64().to_string()),
            ("socket", told(socket())),
            ("name", told(name())),
        ];
        let attributes = found.map(|(key, value)| (key.to_owned(), value));
        Ok(Plan {
            attributes: attributes.into(),
            ..Plan::default()
        })
    }
}

fn socket() -> Result<(), wasi::sockets::network::ErrorCode> {
    tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4).map(drop)
}

fn name() -> Result<(), wasi::sockets::network::ErrorCode> {
    let network = instance_network::instance_network();
    ip_name_lookup::resolve_addresses(&network, "localhost").map(drop)
}

fn told(result: Result<(), wasi::sockets::network::ErrorCode>) -> String {
    result.map_or_else(|code| code.name().to_owned(), |()| "it worked".to_owned())
}

fn print(stream: &OutputStream, text: &[u8]) {
    let _ = stream.check_write();
    let _ = stream.write(text);
    let _ = stream.blocking_flush();
}

export!(Closed, kinds: [routing], schema: r#"{ "type": "object" }"#);
