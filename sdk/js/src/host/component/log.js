export { default } from "pointsman:policy/log@1.0.0";
