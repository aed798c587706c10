export { default } from "pointsman:policy/clock@1.0.0";
