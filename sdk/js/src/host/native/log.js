import { state } from "./state.js";

export default {
    write(level, message) {
        state.log.push({ level, message });
    },
};
