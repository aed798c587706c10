export { default } from "pointsman:policy/http@1.0.0";
