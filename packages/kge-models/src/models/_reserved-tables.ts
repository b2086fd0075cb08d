/** The tables that every model has, or every hyperbolic one. A definition's own tables need other names. */
export const reservedTables = ["entity", "headBias", "tailBias", "curvature"] as const;
