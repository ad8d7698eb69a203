import { LabIcon } from '@jupyterlab/ui-components';

/** A bucket; drawn on Lab's 24 px grid, coloured by Lab's icon classes. */
export const bucketIcon = new LabIcon({
  name: 'odhtec:bucket',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M12 2C7 2 3 3.5 3 5.6c0 .2 0 .4.1.6l2 13C5.4 20.800 8.300 22 12 22s6.600-1.200 6.900-2.800l2-13c.1-.2.1-.4.1-.6C21 3.500 17 2 12 2zm0 2c4.300 0 7 1.100 7 1.700S16.300 7.300 12 7.300 5 6.200 5 5.700 7.700 4 12 4zm4.900 14.700c-.3.500-2.100 1.300-4.900 1.300s-4.600-.8-4.900-1.300L5.500 8.100c1.600.8 3.900 1.200 6.500 1.200s4.900-.4 6.500-1.200z"/>
  </g>
</svg>`
});

/** A cloud with an arrow into storage: import from a hub. */
export const importIcon = new LabIcon({
  name: 'odhtec:import',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M19.350 10.040A7.490 7.490 0 0 0 12 4C9.110 4 6.600 5.640 5.350 8.040A5.994 5.994 0 0 0 0 14c0 3.310 2.690 6 6 6h13c2.760 0 5-2.240 5-5 0-2.640-2.050-4.780-4.650-4.960zM19 18H6c-2.210 0-4-1.790-4-4s1.790-4 4-4h.710C7.370 7.690 9.480 6 12 6c3.040 0 5.500 2.460 5.500 5.500v.5H19c1.660 0 3 1.340 3 3s-1.340 3-3 3zm-5.500-8h-3v3H8l4 4 4-4h-2.500z"/>
  </g>
</svg>`
});

/** A folder with an arrow up: upload a folder. */
export const folderUploadIcon = new LabIcon({
  name: 'odhtec:folder-upload',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M20 6h-8l-2-2H4c-1.100 0-1.990.900-1.990 2L2 18c0 1.100.900 2 2 2h16c1.100 0 2-.900 2-2V8c0-1.100-.900-2-2-2zm0 12H4V6h5.170l2 2H20v10zM9.500 15v2h5v-2h2.500l-5-5-5 5z"/>
  </g>
</svg>`
});

/** Two bars: pause. */
export const pauseIcon = new LabIcon({
  name: 'odhtec:pause',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M6 5h4v14H6zM14 5h4v14h-4z"/>
  </g>
</svg>`
});
