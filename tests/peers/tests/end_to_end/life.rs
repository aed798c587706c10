//! The life of a plugin, as its operator sees it: over the API and on the command line.

use peers::{Desk, Events, Host, ports, product, until, until_some};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const STEPS: [&str; 7] = [
    "verifying",
    "compiling",
    "inspecting",
    "trying",
    "validating",
    "replaying",
    "activating",
];

fn plugin(host: &Host, name: &str) -> Value {
    let view = host.http.json(&format!("/api/v1/plugins/{name}"));
    view.unwrap_or_default()
}

/// A desk with `p.wasm` and `other.wasm`, the same policy as two versions.
fn desk() -> Desk {
    let (desk, component) = (Desk::new(), product::fanout());
    desk.put("p.wasm", &component);
    desk.put("other.wasm", product::variant(&component, 1));
    desk
}

#[test]
fn each_step_of_an_installation_is_told_and_shown() {
    let host = Host::start("");
    let events = Events::of(&host.http);
    let component = product::fanout();
    let (status, installed) = host.http.put_plugin("p", &component);
    assert_eq!(status, 200, "{installed}");
    let activated = events.await_one("plugin_activated", "p");
    assert_eq!(activated["sha256"], installed["sha256"]);
    let told = events.told();
    let steps = told
        .iter()
        .filter(|it| it["type"] == "plugin_step" && it["plugin"] == "p");
    let steps: Vec<_> = steps.filter_map(|it| it["step"].as_str()).collect();
    assert_eq!(steps, STEPS);
    let shown = plugin(&host, "p");
    let of_it = (&shown["state"], &shown["step"], &shown["sha256"]);
    assert_eq!(
        of_it,
        (&"active".into(), &Value::Null, &installed["sha256"])
    );

    let (status, problem) = host.http.put_plugin("bad", &component[..1_000]);
    assert_eq!(status, 422, "{problem}");
    let refused = events.await_one("plugin_refused", "bad");
    let shown = plugin(&host, "bad");
    assert_eq!(shown["state"], "refused");
    assert_eq!(shown["last_refused"]["code"], refused["code"]);
    assert_eq!(shown["last_refused"]["error"], refused["error"]);

    assert_eq!(host.http.delete("/api/v1/plugins/p"), 204);
    events.await_one("plugin_removed", "p");
    assert_eq!(plugin(&host, "p"), Value::Null);
    host.stop();
}

/// Somebody who looks all the time sees where it stands.
#[test]
fn who_looks_at_a_plugin_that_is_being_installed_sees_where_it_stands() {
    let host = Host::start("");
    let component = product::fanout();
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::<Mutex<BTreeSet<(String, String)>>>::default();
    let looks = std::thread::spawn({
        let (over, seen, http) = (over.clone(), seen.clone(), host.http.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let plugins = http.json("/api/v1/plugins/p").unwrap_or_default();
                let text = |key: &str| plugins[key].as_str().map(ToOwned::to_owned);
                seen.lock().unwrap().extend(text("state").zip(text("step")));
            }
        }
    });
    let was_seen = |state: &str| {
        let seen = seen.lock().unwrap();
        seen.iter()
            .any(|(it, step)| it == state && STEPS.contains(&&**step))
    };
    let mut versions = 0..;
    // As often as it takes until a look falls into an installation.
    until("a first version is seen on its way", || {
        let number = versions.next().unwrap_or_default();
        host.http
            .put_plugin("p", &product::variant(&component, number));
        host.http.delete("/api/v1/plugins/p");
        was_seen("installing")
    });
    until("another version is seen on its way", || {
        let number = versions.next().unwrap_or_default();
        host.http
            .put_plugin("p", &product::variant(&component, number));
        was_seen("active")
    });
    over.store(true, Ordering::Relaxed);
    looks.join().unwrap();
    host.stop();
}

#[test]
fn versions_are_kept_pruned_and_gone_back_to_one_at_a_time() {
    let host = Host::start("");
    let component = product::fanout();
    let install = |number| {
        let (status, installed) = host
            .http
            .put_plugin("p", &product::variant(&component, number));
        assert_eq!(status, 200, "{installed}");
        installed["sha256"].clone()
    };
    let installed: Vec<_> = (0..7).map(install).collect();
    let shown = plugin(&host, "p");
    let versions = shown["versions"].as_array().unwrap();
    let kept: Vec<_> = versions.iter().map(|it| it["sha256"].clone()).collect();
    assert_eq!(kept, installed[2..], "five are kept");
    let files = host.path("data/plugins/installed/p");
    let files = std::fs::read_dir(files).unwrap().flatten();
    let is_component =
        |it: &std::fs::DirEntry| it.path().extension().is_some_and(|it| it == "wasm");
    assert_eq!(files.filter(is_component).count(), 5);

    let desk = Desk::new();
    let back = ["rollback", "p", "--api", &host.http.base];
    for before in installed[2..6].iter().rev() {
        desk.run(&back);
        assert_eq!(plugin(&host, "p")["sha256"], *before);
    }
    let none = desk.runs(&back);
    assert_eq!(none.code, 1, "{}", none.said);
    let (status, problem) = host
        .http
        .post_json("/api/v1/plugins/p/rollback", &json!(null));
    assert_eq!(
        (status, &problem["type"]),
        (409, &"/problems/nothing-to-roll-back".into())
    );
    host.stop();
}

#[test]
fn a_plugin_that_decides_is_not_removed() {
    let host = Host::start("");
    let desk = desk();
    let api = ["--api", &host.http.base];
    let run = |words: &[&str]| desk.runs(&[words, &api].concat());
    assert_eq!(run(&["install", "p", "p.wasm"]).code, 0);
    assert_eq!(
        run(&["bind", "routing", "p", "--streams", "live/*"]).code,
        0
    );
    let refused = run(&["remove", "p"]);
    assert_eq!(refused.code, 1, "{}", refused.said);
    let told = refused.said.contains("409") && refused.said.contains("routing");
    assert!(told && refused.said.contains("live/*"), "{}", refused.said);
    assert_eq!(host.http.delete("/api/v1/plugins/p"), 409);
    assert_eq!(plugin(&host, "p")["state"], "active");
    assert_eq!(run(&["unbind", "routing", "--streams", "live/*"]).code, 0);
    assert_eq!(run(&["remove", "p"]).code, 0);
    let listed = run(&["list"]).said;
    assert!(
        !listed.lines().any(|line| line.starts_with("p ")),
        "{listed}"
    );
    host.stop();
}

#[test]
fn the_folder_of_a_running_host_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start_with_plugins(folder.path(), "");
    let component = product::fanout();
    let file = folder.path().join("p.wasm");
    let sha256 = || plugin(&host, "p")["sha256"].clone();
    std::fs::write(&file, &component).unwrap();
    until("it is installed", || sha256().is_string());
    let first = sha256();
    let policy = json!({ "plugin": "p" });
    assert_eq!(
        host.http.put_json("/api/v1/policies/routing", &policy).0,
        200
    );
    std::fs::write(&file, product::variant(&component, 1)).unwrap();
    until("it is replaced", || sha256() != first);
    let second = sha256();
    std::fs::write(&file, b"half a fi").unwrap();
    until("it is refused", || {
        plugin(&host, "p")["last_refused"]["code"] == "not-a-component"
    });
    assert_eq!(sha256(), second);
    std::fs::remove_file(&file).unwrap();
    until("that it stays is logged", || {
        host.log()
            .iter()
            .any(|line| line.contains("a policy is bound to it: it stays"))
    });
    assert_eq!(sha256(), second);
    host.stop();
}

/// A web server for components. `/p.wasm` is one, `/moved/URL` leads there.
struct Shop {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Shop {
    fn open(component: Vec<u8>) -> Self {
        let port = ports::free();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        // Ends with the process.
        std::thread::spawn(move || {
            for customer in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                // Whoever hangs up is not served.
                let _ = serve(customer, &component);
            }
        });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

fn serve(customer: TcpStream, component: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(customer.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let mut customer = customer;
    if let Some(target) = path.strip_prefix("/moved/") {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n");
        return customer.write_all(format!("{head}connection: close\r\n\r\n").as_bytes());
    }
    let length = component.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    customer.write_all(head.as_bytes())?;
    customer.write_all(component)
}

#[test]
fn a_component_is_fetched_from_where_the_operator_allows_it_and_from_nowhere_else() {
    let component = product::fanout();
    let (shop, stranger) = (Shop::open(component.clone()), Shop::open(component));
    let allowed = format!("install_from = [\"{}\"]\n", shop.url(""));
    let host = Host::start_with_plugins(product::plugins(), &allowed);
    let desk = Desk::new();
    let fetch = |url: &str, more: &[&str]| {
        let install = ["install", "p", url, "--api", &host.http.base];
        desk.runs(&[&install[..], more].concat())
    };
    let nothing_came = |ran: &peers::Ran, why: &str| {
        assert_eq!(ran.code, 1, "{}", ran.said);
        assert!(ran.said.contains(why), "{why}: {}", ran.said);
        assert!(plugin(&host, "p")["sha256"].is_null());
        assert_eq!(stranger.asked.load(Ordering::Relaxed), 0);
    };
    nothing_came(&fetch(&stranger.url("/p.wasm"), &[]), "install_from");
    let moved = shop.url(&format!("/moved/{}", stranger.url("/p.wasm")));
    nothing_came(&fetch(&moved, &[]), "does not allow");
    let private = shop.url("/moved/http://169.254.169.254/latest");
    nothing_came(&fetch(&private, &[]), "does not allow");
    let other = "0".repeat(64);
    nothing_came(
        &fetch(&shop.url("/p.wasm"), &["--sha256", &other]),
        "SHA-256",
    );
    assert_eq!(
        plugin(&host, "p")["last_refused"]["code"],
        "sha256-mismatch"
    );

    // The same component, from the folder; the host takes it up in its own time.
    let sha256 = until_some("fanout is installed", || {
        let fanout = plugin(&host, "fanout");
        fanout["sha256"].as_str().map(ToOwned::to_owned)
    });
    let moved = shop.url(&format!("/moved/{}", shop.url("/p.wasm")));
    let installed = fetch(&moved, &["--sha256", &sha256]);
    assert_eq!(installed.code, 0, "{}", installed.said);
    assert_eq!(plugin(&host, "p")["sha256"], sha256);
    let body = json!({ "url": stranger.url("/p.wasm") });
    let (status, problem) = host.http.post_json("/api/v1/plugins/p/install", &body);
    assert_eq!(
        (status, &problem["type"]),
        (403, &"/problems/forbidden".into()),
        "{problem}"
    );
    host.stop();
}
