//! Records from and to the JSON of fixtures and of the decision log: names in snake case, keys
//! and values as objects, what is none left out.

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** A value of this shape from JSON; names that the shape does not have stay, for it to refuse. */
export function fromJson(shape, json) {
    if (json === null || json === undefined) return json;
    switch (shape.kind) {
        case "record":
            return Object.fromEntries(
                Object.entries(json).map(([key, value]) => {
                    const field = shape.fields[camel(key)];
                    return field ? [camel(key), fromJson(field, value)] : [key, value];
                }),
            );
        case "list":
            return json.map((item) => fromJson(shape.item, item));
        case "optional":
            return fromJson(shape.item, json);
        default:
            return json;
    }
}

/** JSON from a value of this shape. */
export function toJson(shape, value) {
    if (value === null) return null;
    switch (shape.kind) {
        case "record":
            return Object.fromEntries(
                Object.entries(value).map(([key, part]) => [snake(key), toJson(shape.fields[key], part)]),
            );
        case "list":
            return value.map((item) => toJson(shape.item, item));
        case "optional":
            return toJson(shape.item, value);
        case "pairs":
            return Object.fromEntries(value);
        default:
            return value;
    }
}
