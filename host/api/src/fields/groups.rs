//! Groups and their screens, as they come in.

use super::{Fields, item_of, whole};
use control::desired::{Fault, Faults};
use model::wall::Playing;
use model::{GroupSpec, ScreenSpec};
use serde_json::Value;

/// A group.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn group(value: Value) -> Result<GroupSpec, Faults> {
    let mut faults = Vec::new();
    let read = read_group("group", value, &mut faults);
    whole(read, faults)
}

/// A screen of a group.
///
/// # Errors
/// Every fault there is in its form.
pub(crate) fn screen(of: &str, value: Value) -> Result<ScreenSpec, Faults> {
    let mut faults = Vec::new();
    let item = format!("group {of}");
    let read = read_screen(&item, "screen", value, &mut faults);
    whole(read, faults)
}

/// What a group is to show.
///
/// # Errors
/// It is nothing that can be shown.
pub(crate) fn playing(of: &str, value: Value) -> Result<Playing, Faults> {
    let item = format!("group {of}");
    let read = serde_json::from_value(value);
    read.map_err(|error| Faults(vec![super::fault(&item, "playing", error)]))
}

pub(super) fn read_group(place: &str, value: Value, faults: &mut Vec<Fault>) -> Option<GroupSpec> {
    let item = item_of("group", place, &value);
    let mut fields = Fields::new(&item, "", value, faults);
    let name = fields.required("name", faults);
    let mut screens = Vec::new();
    for (field, value) in fields.list("screens", faults) {
        screens.extend(read_screen(&item, &field, value, faults));
    }
    let direction = fields.optional("direction", faults).unwrap_or_default();
    let delay_ms = fields.optional("delay_ms", faults);
    let playing = fields.optional::<Option<Playing>>("playing", faults);
    let labels = fields.optional("labels", faults).unwrap_or_default();
    fields.end(faults);
    let usual = GroupSpec::new(name?);
    Some(GroupSpec {
        screens,
        direction,
        delay_ms: delay_ms.unwrap_or(usual.delay_ms),
        playing: playing.flatten(),
        labels,
        ..usual
    })
}

fn read_screen(
    item: &str,
    place: &str,
    value: Value,
    faults: &mut Vec<Fault>,
) -> Option<ScreenSpec> {
    let mut fields = Fields::new(item, place, value, faults);
    let id = fields.required("id", faults);
    let row = fields.optional::<Option<u32>>("row", faults).flatten();
    let column = fields.optional::<Option<u32>>("column", faults).flatten();
    let width = fields.optional("width", faults);
    let height = fields.optional("height", faults);
    let bezel = fields.optional("bezel", faults).unwrap_or_default();
    let rotation = fields.optional("rotation", faults).unwrap_or_default();
    fields.end(faults);
    let usual = ScreenSpec::new(id?);
    Some(ScreenSpec {
        row,
        column,
        width: width.unwrap_or(usual.width),
        height: height.unwrap_or(usual.height),
        bezel,
        rotation,
        ..usual
    })
}
