// The mail pages' modules; without any of them every link and button still works.
import "./list.js";
import "./drag.js";
import "./reader.js";
import "./live.js";
import "./said.js";
import "./edge.js";
