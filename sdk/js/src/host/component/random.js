export { default } from "pointsman:policy/random@1.0.0";
