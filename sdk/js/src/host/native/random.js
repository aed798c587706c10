import { state } from "./state.js";

const MOST = 4_096;

export default {
    /** Whole numbers, each with its lowest byte first; what is not wanted of the last is lost. */
    bytes(length) {
        const bytes = [];
        while (bytes.length < Math.min(length, MOST)) {
            const number = state.draw();
            for (let bit = 0n; bit < 64n; bit += 8n) bytes.push(Number((number >> bit) & 0xffn));
        }
        return Uint8Array.from(bytes.slice(0, Math.min(length, MOST)));
    },
};
