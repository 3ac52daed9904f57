// Close the window that was opened for the provider, if the browser lets us.

window.close();
