import { state } from "./state.js";

export default {
    bytes: (length) => Uint8Array.from({ length: Math.min(length, 4_096) }, state.draw),
};
