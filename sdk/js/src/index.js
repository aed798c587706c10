//! What a Pointsman policy written in JavaScript or TypeScript imports.

export * as clock from "./clock.js";
export * as http from "./http.js";
export * as kv from "./kv.js";
export * as log from "./log.js";
export * as pattern from "./pattern.js";
export * as random from "./random.js";

export { allow, deny } from "./auth.js";
export { PolicyError } from "./error.js";
export { canvasArea, fillingPart, rect, WHOLE } from "./layout.js";
export { valueOf } from "./pairs.js";
export { definePolicy } from "./policy.js";
export { heardWithin, keepDeclared, onAir, shortName } from "./routing.js";
export { localDate, localMinuteOfDay, minuteOfDay, within } from "./time.js";
