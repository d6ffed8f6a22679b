// @ts-check
"use strict";

// Shows the API's description with Swagger UI, whose script (before this one) defines a global.
const target = document.getElementById("swagger");
/** @type {any} */ (window).SwaggerUIBundle({
  domNode: target,
  url: target?.dataset.url,
  deepLinking: true,
  validatorUrl: null,
});
