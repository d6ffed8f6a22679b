"""All SQL: what is kept, and how it is asked for. Values in, values out; no rule of the product lives here."""
