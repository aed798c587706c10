use super::*;
use serde_json::json;

fn check(document: serde_json::Value) -> Result<Desired, Faults> {
    check_after(document, &Desired::default())
}

fn check_after(document: serde_json::Value, before: &Desired) -> Result<Desired, Faults> {
    let site: Site = serde_json::from_value(document).unwrap();
    Desired::check(
        site,
        &Rules::default(),
        before.site(),
        |policy| match policy.plugin.as_str() {
            "fanout" => Ok(()),
            _ => Err("no such plugin".to_owned()),
        },
    )
}

#[test]
fn each_fault_names_its_item_and_field() {
    let cases = [
        (
            json!({"inputs": [{"name": "a"}, {"name": "a"}]}),
            "input a",
            "name",
            "twice",
        ),
        (
            json!({"inputs": [
                {"name": "a", "sources": [{"type": "udp", "address": "127.0.0.1:5000"}]},
                {"name": "b", "sources": [{"type": "udp", "address": "0.0.0.0:5000"}]}]}),
            "input b",
            "sources[0]",
            "taken by input a sources[0]",
        ),
        (
            json!({"inputs": [
                {"name": "a", "sources": [{"type": "udp", "address": "127.0.0.1:9000"}]},
                {"name": "b", "outputs": [{"name": "o", "url": "srt://0.0.0.0:9000?mode=listener"}]}]}),
            "input b",
            "outputs[o]",
            "9000",
        ),
        (
            json!({"inputs": [{"name": "a", "outputs": [
                {"name": "o", "url": "udp://h:1"}, {"name": "o", "url": "udp://h:2"}]}]}),
            "input a",
            "outputs[o].name",
            "twice",
        ),
        (
            json!({"inputs": [{"name": "a", "outputs": [{"name": "o", "url": "ftp://h:1"}]}]}),
            "input a",
            "outputs[o].url",
            "ftp",
        ),
        (
            json!({"inputs": [{"name": "a", "sources": [{"type": "srt", "url": "srt://h:1?latency=x"}]}]}),
            "input a",
            "sources[0]",
            "latency",
        ),
        (
            json!({"inputs": [{"name": "a", "sources": [{"type": "publish"}, {"type": "publish"}]}]}),
            "input a",
            "sources[1]",
            "one publisher",
        ),
        (
            json!({"policies": [{"kind": "routing", "streams": "x/*", "plugin": "fan"}]}),
            "policy routing for x/*",
            "plugin fan",
            "no such plugin",
        ),
        (
            json!({"policies": [
                {"kind": "routing", "plugin": "fanout"}, {"kind": "routing", "plugin": "fanout"}]}),
            "policy routing for *",
            "streams",
            "twice",
        ),
        (
            json!({"policies": [{"kind": "auth", "plugin": "fanout", "mode": "canary"}]}),
            "canary policy auth for *",
            "percent",
            "needs the share",
        ),
        (
            json!({"policies": [
                {"kind": "layout", "plugin": "fanout", "mode": "canary", "percent": 101}]}),
            "canary policy layout for *",
            "percent",
            "1 to 100",
        ),
        (
            json!({"policies": [
                {"kind": "routing", "plugin": "fanout", "mode": "shadow", "percent": 5}]}),
            "shadow policy routing for *",
            "percent",
            "only a canary",
        ),
    ];
    for (document, item, field, problem) in cases {
        let faults = check(document).unwrap_err();
        let [fault] = &faults.0[..] else {
            panic!("one fault expected: {faults}")
        };
        assert_eq!(
            (fault.item.as_str(), fault.field.as_str()),
            (item, field),
            "{fault}"
        );
        assert!(fault.problem.contains(problem), "{fault}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = check(json!({
        "policies": [{"kind": "routing", "plugin": "none"}],
        "inputs": [{"name": "a", "outputs": [{"name": "o", "url": "nonsense"}]}, {"name": "a"}],
    }));
    assert_eq!(faults.unwrap_err().0.len(), 3);
}

#[test]
fn multicast_groups_share_a_port_with_each_other_and_with_a_wildcard() {
    let source = |address: &str| json!([{"type": "udp", "address": address}]);
    let checked = check(json!({"inputs": [
        {"name": "a", "sources": source("239.1.1.1:5000")},
        {"name": "b", "sources": source("239.1.1.2:5000")},
        {"name": "c", "sources": source("0.0.0.0:5000")}]}));
    assert!(checked.is_ok(), "{checked:?}");
}

#[test]
fn sources_keep_their_ids_when_the_list_is_reordered() {
    let ids = |sources: serde_json::Value| {
        let desired = check(json!({"inputs": [{"name": "a", "sources": sources}]})).unwrap();
        let input = &desired.inputs()["a"];
        input
            .sources
            .iter()
            .map(|source| source.id.to_string())
            .collect::<Vec<_>>()
    };
    let udp = json!({"type": "udp", "address": "127.0.0.1:5000"});
    let srt = json!({"type": "srt", "url": "srt://[::1]:9000?streamid=x"});
    let publish = json!({"type": "publish"});
    assert_eq!(
        ids(json!([udp, srt, publish])),
        ["udp-127.0.0.1-5000", "srt---1-9000", "publish"]
    );
    assert_eq!(
        ids(json!([publish, srt, udp])),
        ["publish", "srt---1-9000", "udp-127.0.0.1-5000"]
    );
    assert_eq!(ids(json!([srt, srt])), ["srt---1-9000", "srt---1-9000-2"]);
    assert_eq!(ids(json!([])), ["publish"]);
}

#[test]
fn an_input_keeps_the_port_it_was_allotted() {
    let input = |name: &str| json!({"name": name, "sources": [{"type": "udp"}]});
    let named = json!({"name": "n", "sources": [{"type": "udp", "address": "127.0.0.1:5000"}]});
    let ports = |desired: &Desired| {
        let of = |input: &Input| input.sources[0].id.to_string();
        desired.inputs().values().map(of).collect::<Vec<_>>()
    };
    let first = check(json!({"inputs": [input("b"), named]})).unwrap();
    assert_eq!(ports(&first), ["udp-127.0.0.1-5001", "udp-127.0.0.1-5000"]);
    let second = check_after(json!({"inputs": [input("a"), input("b")]}), &first).unwrap();
    assert_eq!(ports(&second), ["udp-127.0.0.1-5000", "udp-127.0.0.1-5001"]);
}

#[test]
fn a_range_of_ports_is_read_or_refused() {
    assert_eq!("5000-5099".parse(), Ok(UdpPorts::default()));
    for bad in ["", "-", "0-9", "9-1", "1-70000", "a-b"] {
        assert!(bad.parse::<UdpPorts>().is_err(), "{bad}");
    }
}
