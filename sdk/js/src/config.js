//! The operator's configuration: the host checked it against the schema, the schema's defaults
//! are filled in here.

/**
 * Fills in what a configuration leaves out with the `default`s of its JSON Schema, through
 * `properties` and `items`. A `default` behind `$ref`, `anyOf` and the like is not looked for.
 */
export function withDefaults(schema, value) {
    if (schema === null || typeof schema !== "object") return value;
    if (Array.isArray(value)) {
        return schema.items === undefined ? value : value.map((item) => withDefaults(schema.items, item));
    }
    if (value === null || typeof value !== "object") return value;
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
        if (value[key] === undefined && property?.default !== undefined) {
            // A copy: what one decision does to its configuration must not reach the schema.
            value[key] = JSON.parse(JSON.stringify(property.default));
        }
        if (value[key] !== undefined) value[key] = withDefaults(property, value[key]);
    }
    return value;
}
