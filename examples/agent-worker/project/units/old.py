OLD = {
    "cubit": 0.4572,
}
