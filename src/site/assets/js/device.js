// What somebody holds in their hands.

/** Whether one writes on glass: Enter begins a line there, and the keyboard hides half of the screen. */
export const isPhone = () => matchMedia("(pointer: coarse) and (hover: none)").matches;
