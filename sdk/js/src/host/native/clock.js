import { state } from "./state.js";

export default { nowUnixMs: () => state.nowUnixMs };
