export { default } from "pointsman:policy/kv@1.0.0";
