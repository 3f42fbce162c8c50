METRES = {
    "foot": 0.3048,
    "inch": 0.0254,
}
