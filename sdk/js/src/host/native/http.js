import { state } from "./state.js";

export default {
    fetch(request) {
        state.requests.push(request);
        return state.answer(request);
    },
};
