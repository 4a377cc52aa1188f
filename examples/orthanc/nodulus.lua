-- Sends series to `nodulus listen` once they have been stable for StableAge seconds: CT images, and the objects that
-- mark nodules in them. Reports of nodulus itself stay where they are. "nodulus" is an entry of DicomModalities.

local TAKEN = { CT = true, SEG = true, SR = true, RTSTRUCT = true }

function OnStableSeries(seriesId, tags, metadata)
  local isOurs = tags['Modality'] == 'SR' and tags['Manufacturer'] == 'nodulus'
  if TAKEN[tags['Modality']] and not isOurs then
    -- As a job, so that Orthanc goes on; a job that fails is seen at /jobs.
    RestApiPost('/modalities/nodulus/store', DumpJson({ Resources = { seriesId }, Asynchronous = true }))
  end
end
