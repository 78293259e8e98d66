// Behaviour of every portal page. The pages work without it; it only makes them more comfortable.
import 'bootstrap-italia/dist/plugins/init.js';
import 'bootstrap-italia/dist/plugins/collapse.js';
import 'bootstrap-italia/dist/plugins/dropdown.js';
import 'bootstrap-italia/dist/plugins/navbar-collapsible.js';
import { startCountdowns } from './page/countdown';
import { guardForms } from './page/forms';
import { startLive } from './page/live';

document.documentElement.classList.add('js');
if (window.parent !== window) document.documentElement.classList.add('in-frame');
guardForms(document);
startCountdowns(document);
startLive(document);
