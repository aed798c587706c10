//! The replies and statuses that clients wait for, as FMS words them.

use super::enhanced;
use crate::amf::Value;
use crate::message::Command;

/// What a status or an error says of itself.
fn info(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", description.into()),
    ])
}

/// Answers `connect`. FFmpeg and librtmp look at the code alone; Flash also wants a version of at
/// least 3 and the object encoding it asked for.
pub(super) fn connected(transaction: f64, object_encoding: f64, is_enhanced: bool) -> Command {
    let mut properties = vec![
        ("fmsVer", Value::from("FMS/3,5,7,7009")),
        ("capabilities", 31.0.into()),
        ("mode", 1.0.into()),
    ];
    if is_enhanced {
        properties.extend(enhanced::announcement());
    }
    let mut success = info(
        "status",
        "NetConnection.Connect.Success",
        "Connection succeeded.",
    );
    if let Value::Object(object) = &mut success {
        object
            .fields
            .push(("objectEncoding".to_owned(), object_encoding.into()));
    }
    Command::new("_result", transaction, [Value::object(properties), success])
}

/// Refuses `connect`.
pub(super) fn refused(transaction: f64, code: &str, description: &str) -> Command {
    Command::new(
        "_error",
        transaction,
        [Value::Null, info("error", code, description)],
    )
}

/// Answers a call with one value.
pub(super) fn result(transaction: f64, value: Value) -> Command {
    Command::new("_result", transaction, [Value::Null, value])
}

/// Tells what became of a stream.
pub(super) fn status(code: &str, description: &str) -> Command {
    Command::new(
        "onStatus",
        0.0,
        [Value::Null, info("status", code, description)],
    )
}

/// Tells that something about a stream failed.
pub(super) fn failure(code: &str, description: &str) -> Command {
    Command::new(
        "onStatus",
        0.0,
        [Value::Null, info("error", code, description)],
    )
}

/// Answers `FCPublish` and its relatives, which Adobe's encoders wait for.
pub(super) fn fc(name: &str, code: &str, description: &str) -> Command {
    Command::new(name, 0.0, [Value::Null, info("status", code, description)])
}
