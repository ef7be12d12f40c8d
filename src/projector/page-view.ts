/** The `event_type` that counts as a view. */
export const VIEW = "page_view";
